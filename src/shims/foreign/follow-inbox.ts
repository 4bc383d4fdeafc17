// Takes in what a foreign shim tells until the connection ends: first the exits that nobody was there to hear, then the
// events as they come.
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskRecord } from '../../domain/records.js';
import type { ProcessState, ShimEvent } from '../../generated/berth/shim/v1/shim.js';
import { Provenance } from '../../generated/berth/v1/provenance.js';
import { Status } from '../../generated/containerd/v1/types/task.js';
import type { TaskShim } from '../task-shim.js';
import type { EventInbox, ForeignEvent } from './event-inbox.js';

/** Processes die with their container's init at once, and the shim hears of it as quickly. */
const execEndsTimeoutMs = 2000;
const execEndsPollMs = 10;
/** What a shim has sent just before its end comes over another connection than the one that ends. */
const lastWordsMs = 200;
const nanosPerSecond = 1_000_000_000n;

export interface Following {
  readonly shim: TaskShim;
  readonly inbox: EventInbox;
  readonly record: () => TaskRecord;
  readonly handle: (event: ShimEvent) => Promise<void>;
}

/** Rejects when an event cannot be committed: at the next connection the shim is asked again. */
export async function followInbox(following: Following): Promise<void> {
  const { shim, inbox } = following;
  void shim.closed.then(() => sleep(lastWordsMs)).then(() => inbox.close());
  for (const exit of await endsOf(following)) await take(following, exit);
  for await (const { event, taken } of inbox) {
    try {
      await take(following, event);
      taken.resolve();
    } catch (error) {
      taken.reject(error);
      throw error;
    }
  }
}

async function take(following: Following, event: ForeignEvent): Promise<void> {
  if (event.kind === 'exit' && event.exit.execId === '') await takeEndsOfExecs(following);
  await following.handle(shimEvent(following.record(), event));
}

/** Init's exit comes last. The shim tells one event at a time and in any order, so it is asked. */
async function takeEndsOfExecs(following: Following): Promise<void> {
  const { record, handle } = following;
  const limit = performance.now() + execEndsTimeoutMs;
  while (hasLivingExecs(record()) && performance.now() < limit) {
    const ends = await endsOf(following).catch(() => undefined);
    // The connection has ended.
    if (ends === undefined) return;
    for (const end of ends) if (end.exit.execId !== '') await handle(shimEvent(record(), end));
    if (hasLivingExecs(record())) await sleep(execEndsPollMs);
  }
}

function hasLivingExecs({ execs }: TaskRecord): boolean {
  return Object.values(execs).some(({ state }) => state !== 'created' && state !== 'stopped');
}

type ForeignExit = Extract<ForeignEvent, { kind: 'exit' }>;

/** Of processes that have no recorded end, execs first. */
async function endsOf({ shim, record }: Following): Promise<ForeignExit[]> {
  const task = record();
  const states = await shim.processes(task);
  return states.filter(({ status }) => status === Status.STOPPED).map((state) => exitFromState(task.id, state));
}

function exitFromState(containerId: string, { execId, pid, exitStatus, exitedAt }: ProcessState): ForeignExit {
  return foreignExit({ containerId, execId, pid, exitStatus, exitedAt });
}

/** Whether it was a signal, and whose doing, such a shim does not say. */
export function foreignExit({
  exitedAt,
  ...process
}: {
  readonly containerId: string;
  readonly execId: string;
  readonly pid: number;
  readonly exitStatus: number;
  readonly exitedAt: ForeignExit['time'];
}): ForeignExit {
  return {
    kind: 'exit',
    time: exitedAt,
    exit: { ...process, signal: 0, provenance: Provenance.SHIM, oomKilled: false },
  };
}

/**
 * Numbered here, since such a shim numbers nothing: a notice by its time, so that one sent twice is dropped; an exit by the
 * next number, since the record itself says whether it is news.
 */
function shimEvent({ shim }: TaskRecord, event: ForeignEvent): ShimEvent {
  const { time } = event;
  if (event.kind === 'exit') {
    return { sequence: shim.sequence + 1n, time, body: { $case: 'exit', value: event.exit } };
  }
  const sequence = time === undefined ? shim.sequence + 1n : time.seconds * nanosPerSecond + BigInt(time.nanos);
  return { sequence, time, body: { $case: 'oom', value: { containerId: event.containerId } } };
}
