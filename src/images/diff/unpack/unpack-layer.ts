// The job that puts one layer into a directory.
import { failpoint } from '../../../base/failpoint.js';
import { BerthError, isBerthError } from '../../../domain/errors.js';
import { formatDigest } from '../../../domain/digest.js';
import type { DiskJobContext } from '../../disk/disk-job-context.js';
import { LayerBytes, type LayerBlob, type LayerSummary, tooLarge } from './layer-bytes.js';
import type { LayerEntry } from './layer-entry.js';
import { LayerWriter } from './layer-writer.js';
import { type EntryVisitor, readTar } from './tar-entries.js';
import { OverlayWhiteouts, PlainWhiteouts } from './whiteouts.js';

export interface UnpackLimits {
  /** Of the uncompressed layer. */
  readonly maxBytes: number;
  readonly maxEntries: number;
  readonly allowDevices: boolean;
}

/** Where the layer goes. */
export interface UnpackTarget {
  readonly path: string;
  /**
   * How what the layer hides is told: marks in an overlay's upper directory, under the attributes of that namespace, or,
   * in a whole tree, by removing it.
   */
  readonly whiteouts: 'plain' | 'trusted' | 'user';
  /** Of an overlay's upper directory: the layers below it, the next one first. */
  readonly lowers: readonly string[];
}

export interface UnpackParameters {
  readonly blob: LayerBlob;
  readonly target: UnpackTarget;
  readonly limits: UnpackLimits;
  /** Whether everything is to be on the disk in the end. */
  readonly sync: boolean;
}

/** The uncompressed layer. */
export type UnpackResult = LayerSummary;

export async function unpackLayer(
  { blob, target, limits, sync }: UnpackParameters,
  context: Pick<DiskJobContext, 'checkCancelled'>,
): Promise<UnpackResult> {
  const bytes = new LayerBytes(blob, limits);
  const whiteouts = target.whiteouts === 'plain' ? new PlainWhiteouts() : new OverlayWhiteouts(target.whiteouts);
  const writer = new LayerWriter({ ...target, whiteouts, allowDevices: limits.allowDevices });
  try {
    await readTar(bytes, new Guard(writer, { blob, limits, checkCancelled: context.checkCancelled }));
    writer.finish({ sync });
    return bytes.summary();
  } catch (error) {
    if (!isBerthError(error)) throw error;
    throw new BerthError(error.kind, `layer ${formatDigest(blob.digest)}: ${error.message}`, { cause: error });
  } finally {
    writer.close();
  }
}

/** Stands before the writer and holds the layer to its limits. */
class Guard implements EntryVisitor {
  readonly #writer: EntryVisitor;
  readonly #options: Pick<UnpackParameters, 'blob' | 'limits'> & Pick<DiskJobContext, 'checkCancelled'>;
  #entries = 0;

  constructor(
    writer: EntryVisitor,
    options: Pick<UnpackParameters, 'blob' | 'limits'> & Pick<DiskJobContext, 'checkCancelled'>,
  ) {
    this.#writer = writer;
    this.#options = options;
  }

  begin(entry: LayerEntry): void {
    const { blob, limits, checkCancelled } = this.#options;
    checkCancelled();
    this.#entries++;
    if (this.#entries > limits.maxEntries) {
      const message = `it has more than ${limits.maxEntries} entries (unpack_max_entries)`;
      throw new BerthError('resource-exhausted', message);
    }
    // Before anything of it is written.
    if (entry.size > limits.maxBytes) throw tooLarge(blob, limits.maxBytes);
    this.#writer.begin(entry);
  }

  content(bytes: Uint8Array): void {
    this.#options.checkCancelled();
    this.#writer.content(bytes);
  }

  hole(length: number): void {
    this.#writer.hole(length);
  }

  end(): void {
    this.#writer.end();
    failpoint('unpack.entry-written');
  }
}
