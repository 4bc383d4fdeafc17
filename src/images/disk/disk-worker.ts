// The worker thread: takes one job at a time, runs it, and answers.
import { parentPort, workerData } from 'node:worker_threads';
import { Deferred } from '../../base/deferred.js';
import { armFailpoint } from '../../base/failpoint.js';
import { BerthError, isBerthError, messageOf } from '../../domain/errors.js';
import { packLayer } from '../diff/pack/pack-layer.js';
import { unpackLayer } from '../diff/unpack/unpack-layer.js';
import { copyTree } from './copy-tree.js';
import type { DiskJobHandlers, DiskJobName, DiskWorkerData, FromWorker, JobFailure, ToWorker } from './disk-job.js';
import type { DiskJobContext } from './disk-job-context.js';
import { measureTree } from './measure-tree.js';
import { removeTree } from './remove-tree.js';

const handlers: DiskJobHandlers = {
  unpack: unpackLayer,
  pack: packLayer,
  copy: copyTree,
  measure: measureTree,
  remove: removeTree,
};

/** Pieces of output that may be on their way at once. */
const maxPiecesUnderWay = 4;

if (parentPort === null) throw new Error('this module is a worker thread');
const port = parentPort;

/** Keeps a job that makes pieces faster than they are taken waiting. */
class PieceWindow {
  #underWay = 0;
  #room = new Deferred<void>();

  async send(piece: Uint8Array): Promise<void> {
    // A copy, since what is handed over is gone here, and a piece may be a view of what its maker goes on using.
    const own = new Uint8Array(piece);
    this.#underWay++;
    port.postMessage({ type: 'piece', piece: own } satisfies FromWorker, [own.buffer]);
    while (this.#underWay >= maxPiecesUnderWay) {
      this.#room = new Deferred();
      await this.#room.promise;
    }
  }

  taken(): void {
    this.#underWay--;
    this.#room.resolve();
  }
}

const pieces = new PieceWindow();

armFailpoint((workerData as DiskWorkerData).failpoint);
port.on('message', (message: ToWorker) => {
  if (message.type === 'job') void answer(message.name, message.parameters, message.cancelled);
  else pieces.taken();
});

async function answer(name: DiskJobName, parameters: unknown, cancelled: SharedArrayBuffer): Promise<void> {
  try {
    const handler = handlers[name] as (parameters: unknown, context: DiskJobContext) => unknown;
    send({ type: 'done', result: await handler(parameters, contextOf(cancelled)) });
  } catch (error) {
    send({ type: 'failed', failure: failureFrom(error) });
  }
}

function contextOf(cancelled: SharedArrayBuffer): DiskJobContext {
  const word = new Int32Array(cancelled);
  const checkCancelled = (): void => {
    if (Atomics.load(word, 0) !== 0) throw new BerthError('cancelled', 'the work was given up');
  };
  return {
    checkCancelled,
    emit: async (piece) => {
      checkCancelled();
      await pieces.send(piece);
    },
  };
}

function failureFrom(error: unknown): JobFailure {
  const kind = isBerthError(error) ? error.kind : undefined;
  return { kind, message: messageOf(error), stack: error instanceof Error ? error.stack : undefined };
}

function send(message: FromWorker): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
  port.postMessage(message);
}
