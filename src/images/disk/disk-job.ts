// Work on many files, done off the main thread: what each job takes and gives, and the messages.
import type { PackParameters, PackResult } from '../diff/pack/pack-layer.js';
import type { UnpackParameters, UnpackResult } from '../diff/unpack/unpack-layer.js';
import type { CopyParameters } from './copy-tree.js';
import type { DiskJobContext } from './disk-job-context.js';
import type { TreeUsage } from './measure-tree.js';

/** The jobs by name, as functions from their parameters to their results. */
export interface DiskJobs {
  /** Puts a layer into a directory. */
  unpack(parameters: UnpackParameters): UnpackResult;
  /** Makes a layer of what differs between two trees; its bytes come in pieces. */
  pack(parameters: PackParameters): PackResult;
  copy(parameters: CopyParameters): void;
  measure(path: string): TreeUsage;
  /** Removes a tree with everything in it. */
  remove(path: string): void;
}

export type DiskJobName = keyof DiskJobs;
export type ParametersOf<N extends DiskJobName> = Parameters<DiskJobs[N]>[0];
export type ResultOf<N extends DiskJobName> = ReturnType<DiskJobs[N]>;

export type DiskJobHandlers = {
  readonly [N in DiskJobName]: (
    parameters: ParametersOf<N>,
    context: DiskJobContext,
  ) => ResultOf<N> | Promise<ResultOf<N>>;
};

/** What a worker is started with. */
export interface DiskWorkerData {
  readonly failpoint: string;
}

/** From the main thread to a worker. */
export type ToWorker =
  | {
      readonly type: 'job';
      readonly name: DiskJobName;
      readonly parameters: unknown;
      /** One 32-bit word: not 0 once the job is cancelled. It reaches a worker that is too busy to take messages. */
      readonly cancelled: SharedArrayBuffer;
    }
  | { readonly type: 'taken' };

/** From a worker to the main thread. */
export type FromWorker =
  | { readonly type: 'done'; readonly result: unknown }
  | { readonly type: 'failed'; readonly failure: JobFailure }
  | { readonly type: 'piece'; readonly piece: Uint8Array };

/** An error that crosses threads; without a kind it is one that nobody foresaw. */
export interface JobFailure {
  readonly kind: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}
