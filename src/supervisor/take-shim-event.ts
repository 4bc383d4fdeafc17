// Commits one event of a shim, which lets it be acknowledged: the daemon's half of the exit pipeline.
import type { ShimEvent } from '../generated/berth/shim/v1/shim.js';
import type { LiveTask } from './live-tasks.js';
import { recordExit } from './record-exit.js';
import { recordOutOfMemory } from './record-out-of-memory.js';
import type { Supervisor } from './supervisor.js';

export async function takeShimEvent(supervisor: Supervisor, task: LiveTask, event: ShimEvent): Promise<void> {
  // Sent again because the acknowledgement was lost.
  if (event.sequence <= task.record.shim.sequence) return;
  switch (event.body?.$case) {
    case 'exit':
      await recordExit(supervisor, task, event, event.body.value);
      break;
    case 'oom':
      await recordOutOfMemory(supervisor, task, event.sequence);
      break;
    case undefined:
      throw new Error(`event ${event.sequence} of a shim has a body of an unknown kind`);
  }
}
