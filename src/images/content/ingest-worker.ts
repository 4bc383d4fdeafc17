// The ingest thread: writes and hashes what clients send, so that the main thread goes on answering, and so that the
// memory of it is not the main thread's to collect.
import { parentPort, workerData } from 'node:worker_threads';
import { armFailpoint } from '../../base/failpoint.js';
import { KeyedQueue } from '../../base/keyed-queue.js';
import { BerthError, type ErrorKind, kindOfStorageError, messageOf } from '../../domain/errors.js';
import { HashedFile } from './hashed-file.js';
import type {
  IngestRequest,
  IngestResult,
  IngestThreadData,
  NumberedReply,
  NumberedRequest,
} from './ingest-messages.js';

const files = new Map<number, HashedFile>();
const queue = new KeyedQueue();

armFailpoint((workerData as IngestThreadData).failpoint);
parentPort?.on('message', ({ call, request }: NumberedRequest) => void answer(call, request));

async function answer(call: number, request: IngestRequest): Promise<void> {
  const outcome = await queue
    .run(String(request.file), () => perform(request))
    .then(
      (result) => ({ result }),
      (error: unknown) => ({ failure: { kind: kindOf(error), message: messageOf(error) } }),
    );
  const reply: NumberedReply = { call, outcome };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
  parentPort?.postMessage(reply);
}

async function perform(request: IngestRequest): Promise<IngestResult> {
  if (request.verb === 'open') {
    const opened = await HashedFile.open(request.path, request.algorithm);
    files.set(request.file, opened);
    return opened.offset;
  }
  const file = files.get(request.file);
  if (file === undefined) throw new BerthError('unavailable', 'the ingest thread was started anew');
  switch (request.verb) {
    case 'append':
      await file.append(request.data);
      return file.offset;
    case 'digest':
      return await file.digest(request.algorithm);
    case 'truncate':
      await file.truncate();
      return file.offset;
    case 'sync':
      await file.sync();
      return file.offset;
    case 'close':
      files.delete(request.file);
      await file.close();
      return file.offset;
  }
}

function kindOf(error: unknown): ErrorKind {
  if (error instanceof BerthError) return error.kind;
  return kindOfStorageError(error) ?? 'unavailable';
}
