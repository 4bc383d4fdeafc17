// Takes a shim's events one by one and commits each, which lets it be acknowledged: the daemon's half of the exit pipeline.
import type { ShimEvent } from '../generated/berth/shim/v1/shim.js';
import type { Shim } from '../shims/shim.js';
import type { LiveTask } from './live-tasks.js';
import { loseShim } from './lose-shim.js';
import { recordExit } from './record-exit.js';
import { recordOutOfMemory } from './record-out-of-memory.js';
import type { Supervisor } from './supervisor.js';

/** Follows until the shim's connection ends, and then finds out what that means for the task. */
export function followShim(supervisor: Supervisor, task: LiveTask, shim: Shim): void {
  const { namespace, id } = task.record;
  const log = supervisor.log.child({ namespace, containerId: id });
  const following = shim.follow(task.record.shim.sequence, (event) => takeShimEvent(supervisor, task, event));
  void following
    .catch((error: unknown) => log.debug('the event stream of a shim ended', { error }))
    .then(() => loseShim(supervisor, task, shim))
    .catch((error: unknown) => log.error('a lost shim could not be dealt with', { error }));
}

async function takeShimEvent(supervisor: Supervisor, task: LiveTask, event: ShimEvent): Promise<void> {
  // Sent again because the acknowledgement was lost.
  if (event.sequence <= task.record.shim.sequence) return;
  switch (event.body?.$case) {
    case 'exit':
      return recordExit(supervisor, task, event, event.body.value);
    case 'oom':
      return recordOutOfMemory(supervisor, task, event);
    case undefined:
      throw new Error(`event ${event.sequence} of a shim has a body of an unknown kind`);
  }
}
