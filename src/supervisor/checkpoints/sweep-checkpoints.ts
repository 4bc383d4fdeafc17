// At the daemon's start: what a crash has left of checkpoints is finished where the image is whole, since its container
// may be gone, and removed where it is not. Afterwards catalogue and directories agree.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { poll } from '../../base/deadline.js';
import { stagingName } from '../../domain/checkpoint-image.js';
import type { CheckpointRecord } from '../../domain/checkpoint-record.js';
import { findArgument } from '../../linux/process-info.js';
import { checkpointTimeoutMs } from '../../runc/runc.js';
import type { Supervisor } from '../supervisor.js';
import {
  checkpointPath,
  type FoundDirectory,
  imagePath,
  isWhole,
  listDirectories,
  readPlan,
  removeDirectory,
} from './checkpoint-directory.js';
import { completeCheckpoint } from './complete-checkpoint.js';
import { queueKey } from './get-checkpoint.js';

const dumpPollMs = 200;
/** Looks without a runtime at work: between its end and the image's last step lies only a moment. */
const idleLooks = 5;

/** Returns when all of it is under way: a call for a checkpoint waits in that one's queue. */
export async function sweepCheckpoints(supervisor: Supervisor): Promise<void> {
  const { queue, log, checkpointsDirectory, store } = supervisor;
  const failed = (path: string) => (error: unknown) => {
    log.error('what is left of a checkpoint could not be settled', { path, error });
  };
  for await (const found of listDirectories(checkpointsDirectory)) {
    const { plan, path } = found;
    const settle = () => settleDirectory(supervisor, found);
    (plan === undefined ? settle() : queue.run(queueKey(plan), settle)).catch(failed(path));
  }
  for await (const record of store.checkpoints.list()) {
    const path = checkpointPath(checkpointsDirectory, record);
    if (existsSync(path)) continue;
    queue.run(queueKey(record), () => forgetLost(supervisor, record, path)).catch(failed(path));
  }
}

/** What an earlier attempt at the same checkpoint may have left; in that checkpoint's queue. */
export async function settleLeftover(supervisor: Supervisor, path: string): Promise<void> {
  if (existsSync(path)) await settleDirectory(supervisor, { path, state: 'new', plan: await readPlan(path) });
}

async function settleDirectory(supervisor: Supervisor, { path, state, plan }: FoundDirectory): Promise<void> {
  const { store, log, checkpointsDirectory } = supervisor;
  if (state === 'new') await dumpEnded(path);
  if (plan === undefined || state === 'removed' || (state === 'new' && !isWhole(path))) {
    log.info('what was left of a checkpoint is removed', { path });
    return removeDirectory(path);
  }
  if (state === 'complete' && (await store.checkpoints.get(plan)) !== undefined) return;
  const isComplete = state === 'complete' && 'files' in plan;
  const record = isComplete ? plan : await completeCheckpoint(checkpointsDirectory, plan);
  await store.commit([store.checkpoints.put(record, record)]);
  log.info('a checkpoint that was interrupted is complete now', { path });
}

/** A shim that has outlived the daemon may still be dumping. */
async function dumpEnded(path: string): Promise<void> {
  const staging = join(imagePath(path), stagingName);
  let looks = 0;
  const probe = (): true | undefined => {
    looks = findArgument(staging) === undefined ? looks + 1 : 0;
    return !existsSync(staging) || looks >= idleLooks || undefined;
  };
  await poll(probe, { limitMs: checkpointTimeoutMs, intervalMs: dumpPollMs, what: `the dump to ${path}` });
}

/** Its directory went in a deletion that a crash cut short. */
async function forgetLost({ store, log }: Supervisor, record: CheckpointRecord, path: string): Promise<void> {
  if (existsSync(path)) return;
  await store.commit([store.checkpoints.remove(record)]);
  log.warn('a checkpoint without its files is forgotten', { path });
}
