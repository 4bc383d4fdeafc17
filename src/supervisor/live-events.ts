// Events as they happen, for clients that have no cursor. While no daemon serves them they miss what happens, and an end that
// nobody is told of is a container that nobody deletes, or starts again. containerd's shims tell of such an end once there
// is a daemon again, and whoever has come back by then learns it. Here the journal has it.
import type { EventRecord } from '../domain/records.js';
import { nowNanos, type UnixNanos } from '../domain/time.js';
import { decodeEvent } from './decode-event.js';
import type { Supervisor } from './supervisor.js';

/** As long as containerd's shims try: at once, and again after 1, 2, 3, 4 and 5 seconds (its pkg/shim/publisher.go). */
const horizonNanos = 15_000_000_000n;
/** Of the events before the daemon's start, how many are looked through. */
const maxEarlierEvents = 1000n;
const outOfMemoryTopic = '/tasks/oom';
const endTopics: ReadonlySet<string> = new Set(['/tasks/exit', outOfMemoryTopic]);

/** When this daemon began, and the journal's last number then. */
export interface DaemonStart {
  readonly time: UnixNanos;
  readonly number: bigint;
}

/**
 * What happens until `signal` aborts. Who comes within 15 s of the daemon's start is told first of the ends that it may have
 * missed: since then or in the 15 s before, of processes that are still there to be deleted. One that retention overtakes is
 * not told of the gap: berth.v1.Events can tell it.
 */
export async function* liveEvents(supervisor: Supervisor, signal: AbortSignal): AsyncGenerator<EventRecord> {
  const { journal } = supervisor.store;
  const { last } = journal.head();
  for await (const item of journal.read(firstToLookAt(supervisor, last), { follow: true, signal })) {
    if ('event' in item && (item.event.number > last || isMissedEnd(supervisor, item.event))) yield item.event;
  }
}

/** The number before it. */
function firstToLookAt({ start }: Supervisor, last: bigint): bigint {
  if (nowNanos() - start.time > horizonNanos) return last;
  return start.number > maxEarlierEvents ? start.number - maxEarlierEvents : 0n;
}

function isMissedEnd(
  { start, tasks }: Supervisor,
  { number, timestamp, namespace, topic, event }: EventRecord,
): boolean {
  if (!endTopics.has(topic)) return false;
  if (number <= start.number && timestamp < start.time - horizonNanos) return false;
  const { containerId, id, pid } = decodeEvent(event);
  const task = typeof containerId === 'string' ? tasks.find({ namespace, id: containerId }) : undefined;
  // There may have been another of its name.
  if (task === undefined || timestamp < task.record.createdAt) return false;
  if (topic === outOfMemoryTopic) return true;
  const { init, execs } = task.record;
  const process = id === containerId ? init : execs[String(id)];
  return process?.pid === pid;
}
