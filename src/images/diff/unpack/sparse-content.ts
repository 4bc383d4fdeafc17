// The content of a sparse file on its way from an archive: what comes is put between holes. In version 1.0 the list of
// stretches comes first, as lines of decimal numbers in blocks of 512 bytes.
import { checkStretches, numberFrom, pairsFrom, SparseFault, type Stretch } from './sparse-map.js';

export interface ContentSink {
  content(bytes: Uint8Array): void;
  /** So many bytes of nothing. */
  hole(length: number): void;
}

const blockBytes = 512;
const newline = 0x0a;
/** Of a list of stretches; Go's limit for what is no content. */
const maxListBytes = 1024 * 1024;

export class SparseContent {
  readonly #sink: ContentSink;
  readonly #size: number;
  /** Undefined until the list has come whole. */
  #stretches: readonly Stretch[] | undefined;
  #list: Buffer = Buffer.alloc(0);
  #index = 0;
  /** In the file. */
  #position = 0;

  constructor(sink: ContentSink, size: number, stretches: readonly Stretch[] | undefined) {
    this.#sink = sink;
    this.#size = size;
    if (stretches !== undefined) this.#begin(stretches);
  }

  take(bytes: Uint8Array): void {
    let rest = this.#stretches === undefined ? this.#takeList(bytes) : bytes;
    while (rest.length > 0) {
      const room = this.#nextRoom();
      const part = rest.subarray(0, room);
      this.#sink.content(part);
      this.#position += part.length;
      rest = rest.subarray(part.length);
    }
  }

  end(): void {
    if (this.#stretches === undefined) throw new SparseFault('the list of its parts is cut off');
    const { offset, length } = this.#stretches.at(-1) ?? { offset: 0, length: 0 };
    const isWhole = length === 0 || this.#position === offset + length;
    if (!isWhole) throw new SparseFault('its content is cut off');
    this.#advance(this.#size);
  }

  #begin(stretches: readonly Stretch[]): void {
    checkStretches(stretches, this.#size);
    this.#stretches = stretches.filter(({ length }) => length > 0);
  }

  /** Bytes that may come at the position, which is moved over a hole where one begins. */
  #nextRoom(): number {
    for (;;) {
      const stretch = this.#stretches?.[this.#index];
      if (stretch === undefined) throw new SparseFault('there is more content than it has parts');
      this.#advance(stretch.offset);
      const room = stretch.offset + stretch.length - this.#position;
      if (room > 0) return room;
      this.#index++;
    }
  }

  #advance(to: number): void {
    if (to <= this.#position) return;
    this.#sink.hole(to - this.#position);
    this.#position = to;
  }

  /** Returns what follows the list. */
  #takeList(bytes: Uint8Array): Uint8Array {
    this.#list = Buffer.concat([this.#list, bytes]);
    const end = endOfList(this.#list);
    if (end === undefined) {
      if (this.#list.length > maxListBytes) throw new SparseFault('the list of its parts is too long');
      return new Uint8Array();
    }
    const [, ...numbers] = this.#list.toString('latin1', 0, end.list).split('\n').slice(0, -1);
    const rest = this.#list.subarray(end.block);
    this.#list = Buffer.alloc(0);
    this.#begin(pairsFrom(numbers));
    return rest;
  }
}

/** Where the last line ends, and the block that it ends in; undefined where that has not come yet. */
function endOfList(list: Buffer): { readonly list: number; readonly block: number } | undefined {
  const first = list.indexOf(newline);
  if (first < 0) return undefined;
  let end = first + 1;
  for (let left = 2 * numberFrom(list.toString('latin1', 0, first)); left > 0; left--) {
    const next = list.indexOf(newline, end);
    if (next < 0) return undefined;
    end = next + 1;
  }
  const block = Math.ceil(end / blockBytes) * blockBytes;
  return block > list.length ? undefined : { list: end, block };
}
