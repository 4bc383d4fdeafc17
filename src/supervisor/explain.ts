// One container's timeline, from everything that knows of it: the journal, its records, the shim's exit journal and log,
// and the OCI runtime.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '../domain/errors.js';
import { exitJournalName, type JournalRecord, parseJournal } from '../domain/exit-journal.js';
import { type ContainerKey, keyString } from '../domain/ids.js';
import type { EventRecord, ProcessRecord, TaskRecord } from '../domain/records.js';
import { formatNanos, type UnixNanos } from '../domain/time.js';
import { readProcessStat } from '../linux/process-info.js';
import type { ContainerState } from '../runc/container-state.js';
import { bundlePath, readShimLog } from '../shims/bundle.js';
import { describeEvent } from './describe-event.js';
import { askRuntime } from './runtime-state.js';
import { healthOf, type ShimHealth } from './shim-health.js';
import type { Supervisor } from './supervisor.js';

export type TimelineSource = 'journal' | 'exit-journal' | 'shim-log' | 'record' | 'runtime';

export interface TimelineEntry {
  readonly time: UnixNanos;
  readonly source: TimelineSource;
  readonly text: string;
}

export interface Explanation {
  /** Oldest first. */
  readonly entries: readonly TimelineEntry[];
  /** What holds now. */
  readonly facts: readonly (readonly [name: string, value: string])[];
}

/** Lines of a shim's log that are told; the newest count. */
const maxLogLines = 200;

/** `not-found` when nothing at all is known of the container. */
export async function explain(supervisor: Supervisor, key: ContainerKey): Promise<Explanation> {
  const bundle = bundlePath(supervisor.stateDirectory, key);
  const task = supervisor.tasks.find(key);
  const [health, state] =
    task === undefined ? [] : await Promise.all([healthOf(task), askRuntime(supervisor, task.record)]);
  const entries = [
    ...(await fromJournal(supervisor, key)),
    ...(await fromExits(supervisor, key)),
    ...(await fromExitJournal(bundle)),
    ...(await fromShimLog(bundle)),
    ...fromRuntime(state),
  ].toSorted((one, other) => (one.time < other.time ? -1 : Number(one.time > other.time)));
  const facts = await factsOf(supervisor, key, { health, state });
  if (entries.length > 0 || facts.length > 0) return { entries, facts };
  throw new BerthError('not-found', `nothing is known of container ${keyString(key)}`);
}

async function fromJournal({ store, closing }: Supervisor, key: ContainerKey): Promise<TimelineEntry[]> {
  const entries: TimelineEntry[] = [];
  const { first } = store.journal.head();
  for await (const item of store.journal.read(first - 1n, { follow: false, signal: closing })) {
    if ('event' in item && isAbout(item.event, key)) {
      const { number, timestamp } = item.event;
      entries.push({ time: timestamp, source: 'journal', text: `#${number} ${describeEvent(item.event).text}` });
    }
  }
  return entries;
}

function isAbout(event: EventRecord, { namespace, id }: ContainerKey): boolean {
  return event.namespace === namespace && describeEvent(event).containerId === id;
}

async function fromExits({ store }: Supervisor, key: ContainerKey): Promise<TimelineEntry[]> {
  const entries: TimelineEntry[] = [];
  for await (const { execId, exitedAt, status, pid, provenance, oomKilled } of store.exits.list(`${keyString(key)}/`)) {
    const what = execId === '' ? 'init' : `exec ${execId}`;
    const why = oomKilled ? ', killed for want of memory' : '';
    const text = `${what} (pid ${pid}) ended with status ${status}${why}; learnt by: ${provenance}`;
    entries.push({ time: exitedAt, source: 'record', text });
  }
  return entries;
}

async function fromExitJournal(bundle: string): Promise<TimelineEntry[]> {
  const text = await readFile(join(bundle, exitJournalName), 'utf8').catch(() => '');
  return parseJournal(text).map((record) => ({
    time: 'exit' in record ? record.exit.exitedAt : record.outOfMemoryAt,
    source: 'exit-journal',
    text: `the shim wrote down ${journalText(record)}`,
  }));
}

function journalText(record: JournalRecord): string {
  if (!('exit' in record)) return `${record.sequence}: killed for want of memory`;
  const { sequence, execId, exit } = record;
  return `exit ${sequence} of ${execId === '' ? 'init' : `exec ${execId}`}, status ${exit.status}`;
}

async function fromShimLog(bundle: string): Promise<TimelineEntry[]> {
  const lines = (await readShimLog(bundle)).split('\n').slice(-maxLogLines);
  return lines.flatMap((line) => (line.startsWith('{') ? logEntry(line) : goLogEntry(line)));
}

function logEntry(line: string): TimelineEntry[] {
  try {
    const {
      time,
      level,
      msg,
      message,
      namespace: _namespace,
      containerId: _id,
      ...fields
    } = JSON.parse(line) as Record<string, unknown>;
    const at = Date.parse(String(time));
    if (Number.isNaN(at)) return [];
    const rest = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
    const text = `${String(level)}: ${String(msg ?? message)}${rest}`;
    return [{ time: BigInt(at) * 1_000_000n, source: 'shim-log', text }];
  } catch {
    return [];
  }
}

/** As Go's shims write: `time="..." level=info msg="..." key=value`. */
function goLogEntry(line: string): TimelineEntry[] {
  const [, time = '', rest = ''] = /^time="([^"]+)" (.*)$/.exec(line) ?? [];
  const at = Date.parse(time);
  return Number.isNaN(at) ? [] : [{ time: BigInt(at) * 1_000_000n, source: 'shim-log', text: rest }];
}

function fromRuntime(state: ContainerState | string | undefined): TimelineEntry[] {
  if (state === undefined || typeof state === 'string') return [];
  const at = Date.parse(state.created);
  if (Number.isNaN(at)) return [];
  return [{ time: BigInt(at) * 1_000_000n, source: 'runtime', text: 'the runtime made the container' }];
}

/** What was asked now, where there is a task. */
interface Asked {
  readonly health: ShimHealth | undefined;
  readonly state: ContainerState | string | undefined;
}

async function factsOf(
  supervisor: Supervisor,
  key: ContainerKey,
  { health, state }: Asked,
): Promise<[string, string][]> {
  const facts: [string, string][] = [];
  const container = await supervisor.store.containers.get(key);
  if (container !== undefined) {
    facts.push(['container', `created ${formatNanos(container.createdAt)}, runtime ${container.runtime.name}`]);
  }
  const task = supervisor.tasks.find(key);
  if (task === undefined) return facts;
  facts.push(['bundle', task.record.bundle]);
  if (health !== undefined) facts.push(['shim', shimFact(task.record, health)]);
  if (state !== undefined) facts.push(['runtime', runtimeFact(task.record, state)]);
  for (const process of [task.record.init, ...Object.values(task.record.execs)]) {
    facts.push([process.execId === '' ? 'init' : `exec ${process.execId}`, processFact(process)]);
  }
  return facts;
}

function shimFact({ shim, runtime }: TaskRecord, { answers, circuitOpen, hangs, droppedBytes }: ShimHealth): string {
  const alive = readProcessStat(shim.pid) === undefined ? 'gone' : 'alive';
  const facts = [`pid ${shim.pid} (${alive})`, answers ? 'connected' : 'does not answer'];
  if (runtime.shim === undefined) facts.push(`committed up to ${shim.sequence}`);
  else facts.unshift(runtime.shim);
  if (circuitOpen) facts.push('its circuit is open');
  if (hangs > 0) facts.push(`hung ${hangs} times`);
  if (droppedBytes > 0n) facts.push(`${droppedBytes} bytes of output dropped`);
  return facts.join(', ');
}

function runtimeFact({ runtime }: TaskRecord, state: ContainerState | string): string {
  if (typeof state === 'string') return `${runtime.binary} has no state of it: ${state}`;
  return `${runtime.binary} says ${state.status}, pid ${state.pid}`;
}

function processFact(process: ProcessRecord): string {
  if (process.state !== 'stopped') return `${process.state}, pid ${process.pid}`;
  const { status, provenance, exitedAt } = process.exit;
  return `ended with status ${status} at ${formatNanos(exitedAt)}, learnt by: ${provenance}`;
}
