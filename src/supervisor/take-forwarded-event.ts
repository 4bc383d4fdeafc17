// Takes an event that a foreign shim forwards, as containerd's shims do. Exits and notices of kills for want of memory go the
// way of those of Berth's own shims; what else such a shim says of a task, Berth says itself when it has the shim do it.
import { DeadlineError, withDeadline } from '../base/deadline.js';
import { BerthError, messageOf } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import type { EventDraft } from '../domain/records.js';
import { TaskExit, TaskOOM } from '../generated/containerd/events/task.js';
import type { EventInbox, ForeignEvent } from '../shims/foreign/event-inbox.js';
import { foreignExit } from '../shims/foreign/follow-inbox.js';
import { publishEvent } from './publish-event.js';
import type { Supervisor } from './supervisor.js';
import { timestampFromNanos } from './wire-values.js';

/** A shim gives up on an event after 5 s, and sends it again. */
const reachingTimeoutMs = 4000;
const tasksPrefix = '/tasks/';

/** Resolves once the event is committed; `not-found` for a task that no foreign shim serves. */
export async function takeForwardedEvent(supervisor: Supervisor, draft: EventDraft): Promise<void> {
  if (!draft.topic.startsWith(tasksPrefix)) {
    await publishEvent(supervisor, draft);
    return;
  }
  const event = foreignEvent(draft);
  if (event === undefined) return;
  const key = { namespace: draft.namespace, id: event.kind === 'exit' ? event.exit.containerId : event.containerId };
  const inbox = await inboxOf(supervisor, key);
  await inbox.deliver(event);
}

async function inboxOf({ inboxes, tasks }: Supervisor, key: ContainerKey): Promise<EventInbox> {
  // The shim is just being connected to again.
  const reaching = tasks.find(key)?.reaching ?? Promise.resolve();
  await withDeadline(reaching, reachingTimeoutMs, `reaching the shim of task ${key.id}`).catch((error: unknown) => {
    if (error instanceof DeadlineError) throw new BerthError('unavailable', error.message);
    throw error;
  });
  const inbox = inboxes.find(key);
  if (inbox !== undefined) return inbox;
  throw new BerthError('not-found', `no foreign shim serves task ${key.id}: its event is not taken`);
}

function foreignEvent({ topic, timestamp, event }: EventDraft): ForeignEvent | undefined {
  try {
    if (topic === '/tasks/exit') return exitOf(TaskExit.decode(event.value));
    if (topic !== '/tasks/oom') return undefined;
    const { containerId } = TaskOOM.decode(event.value);
    return { kind: 'oom', containerId, time: timestampFromNanos(timestamp) };
  } catch (error) {
    throw new BerthError('invalid-argument', `cannot decode the event ${topic}: ${messageOf(error)}`, { cause: error });
  }
}

/** containerd names the init process by the container's id. */
function exitOf({ containerId, id, pid, exitStatus, exitedAt }: TaskExit): ForeignEvent {
  return foreignExit({ containerId, execId: id === containerId ? '' : id, pid, exitStatus, exitedAt });
}
