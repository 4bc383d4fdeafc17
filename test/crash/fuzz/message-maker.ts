// Random messages on the wire: of the right shape with strange values, mutated, or plain noise. What comes depends on the
// random numbers alone.
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Random } from '../chaos/random.js';
import type { Field, MessageShapes } from './message-shapes.js';

/** What a field of some name is likely to get, so that calls reach beyond the first check. */
export type Dictionary = Readonly<Record<string, readonly (string | number | Buffer)[]>>;

const maxDepth = 6;
const maxRepeats = 3;
const maxNoiseBytes = 300;
/** Of ten fields, so many are set, and of ten set ones so many get what the dictionary has. */
const setOfTen = 8;
const likelyOfTen = 9;

const numbers = [0, 1, 2, 9, 15, 127, 128, 255, 256, 65_535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const strings = [
  '',
  'a',
  '..',
  '../../x',
  'a/b',
  '/',
  '\0',
  'ü\u{1f600}',
  '%s%n',
  '"',
  'a==b',
  'x'.repeat(77),
  'x'.repeat(5000),
];
const wideNumbers = [0n, 1n, 255n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n];

export class MessageMaker {
  readonly #shapes: MessageShapes;
  readonly #dictionary: Dictionary;
  readonly #random: Random;

  constructor(shapes: MessageShapes, dictionary: Dictionary, random: Random) {
    this.#shapes = shapes;
    this.#dictionary = dictionary;
    this.#random = random;
  }

  /** Most of the right shape; the rest damaged, or noise. */
  any(message: string): Buffer {
    const kind = this.#random.below(10);
    if (kind < 6) return this.shaped(message);
    if (kind < 9) return this.mutated(this.shaped(message));
    return this.noise(this.#random.below(maxNoiseBytes));
  }

  shaped(message: string, depth = 0): Buffer {
    const writer = new BinaryWriter();
    for (const field of this.#shapes.shape(message)) {
      if (this.#random.below(10) >= setOfTen) continue;
      const count = field.repeated ? this.#random.below(maxRepeats + 1) : 1;
      for (let index = 0; index < count; index++) this.#write(writer, field, depth);
    }
    return Buffer.from(writer.finish());
  }

  /** One to four of: a bit turned over, a byte changed, bytes cut out, put in, or doubled, the end cut off. */
  mutated(bytes: Buffer): Buffer {
    let changed = bytes;
    for (let count = 1 + this.#random.below(4); count > 0; count--) changed = this.#mutatedOnce(changed);
    return changed;
  }

  noise(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.#random.below(256)));
  }

  text(name: string): string {
    const likely = this.#dictionary[name];
    if (likely !== undefined && this.#random.below(10) < likelyOfTen) return String(this.#random.pick(likely));
    if (this.#random.below(3) > 0) return this.#random.pick(strings);
    return this.noise(this.#random.below(40)).toString('latin1');
  }

  #mutatedOnce(bytes: Buffer): Buffer {
    const at = this.#random.below(bytes.length + 1);
    const length = this.#random.below(8);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (this.#random.below(6)) {
      case 0:
        return Buffer.concat([
          before,
          Buffer.from([(after[0] ?? 0) ^ (1 << this.#random.below(8))]),
          after.subarray(1),
        ]);
      case 1:
        return Buffer.concat([before, this.noise(1), after.subarray(1)]);
      case 2:
        return Buffer.concat([before, after.subarray(length)]);
      case 3:
        return Buffer.concat([before, this.noise(length), after]);
      case 4:
        return Buffer.concat([before, after.subarray(0, length), after]);
      default:
        return before;
    }
  }

  #write(writer: BinaryWriter, field: Field, depth: number): void {
    const tag = (wireType: number): BinaryWriter => writer.tag(field.number, wireType);
    switch (field.type) {
      case 'TYPE_STRING':
        tag(2).bytes(Buffer.from(this.text(field.name)));
        return;
      case 'TYPE_BYTES':
        tag(2).bytes(this.#bytes(field.name));
        return;
      case 'TYPE_MESSAGE':
        if (depth < maxDepth) tag(2).bytes(this.shaped(field.message, depth + 1));
        return;
      case 'TYPE_BOOL':
        tag(0).bool(this.#random.below(2) === 1);
        return;
      case 'TYPE_DOUBLE':
        tag(1).double(this.#random.pick([0, -1, 1e300, Number.NaN, Number.POSITIVE_INFINITY]));
        return;
      case 'TYPE_INT64':
      case 'TYPE_UINT64':
        tag(0).uint64(this.#wide(field.name));
        return;
      default:
        // Every other type of containerd's and Berth's messages is a varint of up to 32 bits.
        tag(0).uint32(this.#number(field.name));
    }
  }

  #number(name: string): number {
    const likely = this.#dictionary[name];
    if (likely !== undefined && this.#random.below(10) < likelyOfTen) return Number(this.#random.pick(likely));
    return name === 'pid' ? Number(this.#random.pick(likely ?? [0])) : this.#random.pick(numbers);
  }

  #wide(name: string): bigint {
    const likely = this.#dictionary[name];
    if (likely !== undefined && this.#random.below(10) < likelyOfTen) return BigInt(Number(this.#random.pick(likely)));
    // -1 on the wire is the largest of all.
    return this.#random.below(8) === 0 ? 2n ** 64n - 1n : this.#random.pick(wideNumbers);
  }

  #bytes(name: string): Buffer {
    const likely = this.#dictionary[name];
    if (likely === undefined || this.#random.below(10) >= likelyOfTen) return this.noise(this.#random.below(64));
    const chosen = Buffer.from(this.#random.pick(likely) as Buffer);
    return this.#random.below(3) === 0 ? this.mutated(chosen) : chosen;
  }
}
