// What the main thread asks of the ingest thread, and what it hears back.
import type { DigestAlgorithm } from '../../domain/digest.js';
import type { ErrorKind } from '../../domain/errors.js';

/** `file` is a number by which the main thread knows the file; what concerns one file is done in order. */
export type IngestRequest =
  | { readonly verb: 'open'; readonly file: number; readonly path: string; readonly algorithm: DigestAlgorithm }
  | { readonly verb: 'append'; readonly file: number; readonly data: Uint8Array }
  | { readonly verb: 'digest'; readonly file: number; readonly algorithm: DigestAlgorithm }
  | { readonly verb: 'truncate' | 'sync' | 'close'; readonly file: number };

/** The number of bytes in the file, or the digest that was asked for. */
export type IngestResult = number | string;

export interface NumberedRequest {
  readonly call: number;
  readonly request: IngestRequest;
}

export interface NumberedReply {
  readonly call: number;
  readonly outcome:
    | { readonly result: IngestResult }
    | { readonly failure: { readonly kind: ErrorKind; readonly message: string } };
}

/** What the thread is started with. */
export interface IngestThreadData {
  readonly failpoint: string;
}
