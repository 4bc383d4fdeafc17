// A container of a runtime that only pretends, and what berthd asks of its shim in a short life: for whoever wants to see
// a shim at work before there is a container.
import { chmodSync, closeSync, constants, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Deferred } from '../../src/base/deferred.js';
import type { Stdio } from '../../src/domain/records.js';
import { ShimDefinition, type EventsRequest } from '../../src/generated/berth/shim/v1/shim.js';
import { Options } from '../../src/generated/containerd/runc/v1/oci.js';
import { TaskDefinition } from '../../src/generated/containerd/task/v3/shim.js';
import { makeFifo } from '../../src/linux/pipe.js';
import type { Client, TtrpcConnection } from '../../src/ttrpc/client.js';
import { rehearsalSpec, rehearsalState } from './rehearsal-spec.js';

/** Of the container, and its namespace. */
export const pretendedId = 'rehearsal';
const id = pretendedId;
const SIGKILL = 9;

/** Below the runtime's root, which is the bundle: NAMESPACE/ID. */
const state = `${id}/${id}`;
/** Below the bundle. */
const group = 'group';
const execId = 'rehearsal';
const streams = ['stdin', 'stdout', 'stderr'] as const;

/** Where a process is asked for there is one that speaks and sleeps, an init once it is started, and runc's state of it. */
const runtime = `#!/bin/sh
while [ $# -gt 0 ]; do
  [ "$1" = --pid-file ] && pid_file=$2
  [ "$1" = --process ] && process=$2
  shift
done
[ -z "$pid_file" ] && exit 0
if [ -n "$process" ]; then
  { echo; exec sleep 60; } &
  echo $! >"$pid_file"
  exit 0
fi
mkdir -p ${state} ${group} && mkfifo ${state}/exec.fifo
{ printf 0 >${state}/exec.fifo; echo; exec sleep 60; } &
echo $! >"$pid_file"
sed "s/PID/$!/" state >${state}/state.json
`;

/** What a container of the pretended runtime needs in its bundle, and its client's FIFOs. Made anew. */
export function makeBundle(bundle: string): void {
  rmSync(bundle, { recursive: true, force: true });
  mkdirSync(bundle, { mode: 0o700, recursive: true });
  writeFileSync(join(bundle, 'runc'), runtime);
  chmodSync(join(bundle, 'runc'), 0o700);
  writeFileSync(join(bundle, 'state'), rehearsalState(id, 'PID', join(bundle, group)));
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(rehearsalSpec));
  for (const name of streams) makeFifo(join(bundle, name), 0o600);
}

/** `atStart` is waited for when the container has been started. */
export async function play(
  connection: TtrpcConnection,
  bundle: string,
  atStart?: () => void | Promise<void>,
): Promise<void> {
  // The client's ends of its FIFOs, which hold what little is said.
  const ends = streams.map((name) => openSync(join(bundle, name), constants.O_RDWR | constants.O_NONBLOCK));
  try {
    await playLife(connection, bundle, atStart);
  } finally {
    for (const end of ends) closeSync(end);
  }
}

async function playLife(
  connection: TtrpcConnection,
  bundle: string,
  atStart: (() => void | Promise<void>) | undefined,
): Promise<void> {
  const task = connection.client(TaskDefinition);
  const shim = connection.client(ShimDefinition);
  const options = { ...Options.decode(new Uint8Array()), binaryName: `${bundle}/runc`, root: bundle };
  const value = Buffer.from(Options.encode(options).finish());
  const request = {
    id,
    bundle,
    rootfs: [],
    ...stdio(bundle),
    checkpoint: '',
    parentCheckpoint: '',
    options: { typeUrl: 'containerd.runc.v1.Options', value },
  };
  await task.create(request);
  const over = new Deferred<bigint>();
  const events = shim.events(cursor(over.promise), {});
  await task.start({ id, execId: '' });
  await atStart?.();
  const waiting = handled(task.wait({ id, execId: '' }));
  await shim.connect({});
  await task.state({ id, execId: '' });
  await playExec(task, bundle);
  await task.kill({ id, execId: '', signal: SIGKILL, all: false });
  await waiting;
  await task.delete({ id, execId: '' });
  // The exec's, and init's.
  await events.next();
  const { value: last } = await events.next();
  over.resolve(last?.sequence ?? 0n);
  for await (const more of events) throw new Error(`a container that has ended tells of event ${more.sequence}`);
  if (last?.body?.$case !== 'exit') throw new Error('the last of a container is not its exit');
}

async function playExec(task: Client<typeof TaskDefinition>, bundle: string): Promise<void> {
  const spec = { typeUrl: '', value: Buffer.from(JSON.stringify(rehearsalSpec.process)) };
  await task.exec({ id, execId, ...stdio(bundle), spec });
  await task.start({ id, execId });
  const waiting = handled(task.wait({ id, execId }));
  await task.kill({ id, execId, signal: SIGKILL, all: false });
  await waiting;
  await task.delete({ id, execId });
}

/** Its failure is met by whoever waits for it, which nobody does where something else fails before. */
function handled<T>(waiting: Promise<T>): Promise<T> {
  waiting.catch(() => undefined);
  return waiting;
}

function stdio(bundle: string): Stdio {
  const [stdin, stdout, stderr] = streams.map((name) => join(bundle, name));
  return { terminal: false, stdin: stdin ?? '', stdout: stdout ?? '', stderr: stderr ?? '' };
}

async function* cursor(over: Promise<bigint>): AsyncGenerator<EventsRequest> {
  yield { request: { $case: 'after', value: 0n } };
  yield { request: { $case: 'acknowledged', value: await over } };
}
