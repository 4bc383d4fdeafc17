// Reads a tar stream and tells a visitor of each entry and its content. The framing, the numbers and GNU's long names are
// tar-stream's. Two things are ours, by overriding what it does not document (hence its exact version in package.json):
// it reads PAX headers as UTF-8, which spoils binary attributes such as security.capability and names in other
// encodings, and it goes on after the end of the archive, where Go's reader stops and other bytes may follow.
/* oxlint-disable no-underscore-dangle -- tar-stream's own names */
import { Deferred } from '../../../base/deferred.js';
import { BerthError, isBerthError, messageOf } from '../../../domain/errors.js';
import { entryError, entryFromHeader, type LayerEntry } from './layer-entry.js';
import { decodePax } from './pax-records.js';
import { SparseContent } from './sparse-content.js';
import { sparseFileFrom, SparseFault } from './sparse-map.js';
import { type TarHeader, TarParser } from './tar-parser.js';

/** What is done with the entries, at once: nothing here may wait. */
export interface EntryVisitor {
  begin(entry: LayerEntry): void;
  /** Content of the entry that was begun last. */
  content(bytes: Uint8Array): void;
  /** So many bytes of zeros in it, of a sparse file. */
  hole(length: number): void;
  end(): void;
}

/** `invalid-argument` for what is no tar; what the visitor throws comes out as it is. */
export async function readTar(chunks: AsyncIterable<Uint8Array>, visitor: EntryVisitor): Promise<void> {
  const tar = new LayerTar();
  tar.on('entry', (header: TarHeader, content: EntryContent, next: (error?: unknown) => void) => {
    // It is destroyed together with the whole stream, which tells why.
    content.on('error', () => undefined);
    let sparse: SparseContent | undefined;
    const failure = failureOf(header, () => {
      sparse = begin(header, visitor);
    });
    if (failure !== undefined) {
      next(failure);
      return;
    }
    content.on('data', (bytes) => {
      const failure = failureOf(header, () => (sparse === undefined ? visitor.content(bytes) : sparse.take(bytes)));
      if (failure !== undefined) content.destroy(failure);
    });
    const end = (): void => {
      sparse?.end();
      visitor.end();
    };
    content.on('end', () => next(failureOf(header, end)));
  });
  try {
    await feed(tar, chunks);
  } catch (error) {
    if (isBerthError(error)) throw error;
    throw new BerthError('invalid-argument', `no valid tar archive: ${messageOf(error)}`, { cause: error });
  } finally {
    tar.destroy();
  }
}

/** What stands between the archive and the visitor where the entry is a sparse file. */
function begin(header: TarHeader, visitor: EntryVisitor): SparseContent | undefined {
  const found = sparseFileFrom(header.pax ?? {});
  if (found === undefined) {
    visitor.begin(entryFromHeader(header));
    return undefined;
  }
  const { name = header.name, size = header.size, stretches } = found;
  const entry = entryFromHeader({ ...header, name, size });
  if (entry.kind !== 'file') throw new SparseFault(`a ${entry.kind} has no parts`);
  const content = new SparseContent(visitor, entry.size, stretches);
  visitor.begin(entry);
  return content;
}

interface EntryContent {
  on(event: 'data', listener: (bytes: Uint8Array) => void): void;
  on(event: 'end' | 'error', listener: () => void): void;
  destroy(error: Error): void;
}

/** Reads to the last chunk, also beyond the end of the archive. */
async function feed(tar: LayerTar, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const progress = new Progress(tar);
  for await (const chunk of chunks) {
    if (!tar.isAtEnd && !tar.write(chunk)) await progress.next();
  }
  if (tar.isAtEnd) return;
  tar.end();
  await progress.next();
}

const endOfArchive = 'end-of-archive';

class LayerTar extends TarParser {
  isAtEnd = false;
  #zeroBlocks = 0;

  constructor() {
    super({ filenameEncoding: 'latin1', allowUnknownFormat: true });
  }

  protected override _decodeLongHeader(bytes: Uint8Array): void {
    if (this._header?.type === 'pax-header') this._pax = decodePax(bytes);
    // containerd takes nothing from global headers.
    else if (this._header?.type !== 'pax-global-header') super._decodeLongHeader(bytes);
  }

  /** False holds the stream up: for ever at the end of the archive, which two blocks of zeros tell. */
  protected override _consumeHeader(): boolean {
    if (this.isAtEnd || !super._consumeHeader()) return false;
    if (this._header !== null) {
      if (this.#zeroBlocks > 0) this.destroy(new Error('an entry follows a block of zeros'));
      return true;
    }
    this.#zeroBlocks++;
    if (this.#zeroBlocks < 2) return true;
    this.isAtEnd = true;
    this.emit(endOfArchive);
    return false;
  }
}

/** Waits for the parser's wish for more, its end or its failure. */
class Progress {
  #failure: Error | undefined;
  #waiting: Deferred<void> | undefined;

  constructor(tar: LayerTar) {
    for (const event of ['drain', 'finish', endOfArchive]) tar.on(event, () => this.#waiting?.resolve());
    tar.on('error', (error: Error) => {
      this.#failure = error;
      this.#waiting?.reject(error);
    });
  }

  async next(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#waiting = new Deferred();
    await this.#waiting.promise;
  }
}

function failureOf({ name }: TarHeader, work: () => void): Error | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof SparseFault) return entryError(name, `sparse file: ${error.message}`);
    return error instanceof Error ? error : new Error(String(error));
  }
}
