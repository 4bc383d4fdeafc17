// A rehearsal: before it forks, the zygote serves a container of a runtime that only pretends. What a shim runs is then
// compiled, with its feedback, in memory that the forks share, and not once more in each of them.
import { chmodSync, closeSync, constants, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Deferred } from '../../src/base/deferred.js';
import type { Stdio } from '../../src/domain/records.js';
import { ShimDefinition, type EventsRequest } from '../../src/generated/berth/shim/v1/shim.js';
import { Options } from '../../src/generated/containerd/runc/v1/oci.js';
import { TaskDefinition } from '../../src/generated/containerd/task/v3/shim.js';
import { type Client, dialTtrpc, type TtrpcConnection } from '../../src/ttrpc/client.js';
import { killIfThere, processesIn, realPathOf } from '../../src/linux/known-process.js';
import { makeFifo } from '../../src/linux/pipe.js';
import { readProcessStat } from '../../src/linux/process-info.js';
import { duplicateDescriptor } from '../../src/linux/session.js';
import { serveTtrpc } from '../../src/ttrpc/server.js';
import { ExitJournal } from '../exit-journal.js';
import { ShimLog } from '../log.js';
import { Reaper } from '../reaper.js';
import { newShimId } from '../shim-id.js';
import { shimService } from '../shim-service.js';
import { Task } from '../task.js';
import { taskServices } from '../task-service.js';
import { version } from '../version.js';
import { rehearsalSpec, rehearsalState } from './rehearsal-spec.js';

/** The second goes the ways that are prepared in the first. */
const rounds = 2;
const connectTimeoutMs = 2000;
const drainTimeoutMs = 1000;
const SIGKILL = 9;

const id = 'rehearsal';
const socketName = 'shim.sock';
const names = { namespace: id, containerId: id };
/** Below the runtime's root, which is the bundle: NAMESPACE/ID. */
const state = `${id}/${id}`;
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
mkdir -p ${state} && mkfifo ${state}/exec.fifo
{ printf 0 >${state}/exec.fifo; echo; exec sleep 60; } &
echo $! >"$pid_file"
sed "s/PID/$!/" state >${state}/state.json
`;

/** Works in `directory`, which is made for it and removed. */
export async function rehearse(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  process.chdir(directory);
  // Loads perf_hooks, nine modules of Node's, at its first use.
  performance.now();
  try {
    furnish(directory);
    for (let round = 0; round < rounds; round++) await serveOnce(directory);
  } finally {
    process.chdir('/');
    killActors(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Of a rehearsal that was broken off the runtime's processes may be left, waiting for somebody who does not come. */
function killActors(directory: string): void {
  const session = readProcessStat(process.pid)?.session;
  for (const pid of processesIn(realPathOf(directory))) {
    if (readProcessStat(pid)?.session === session) killIfThere(pid);
  }
}

/** What a container of the pretended runtime needs in its bundle, and its client's FIFOs. */
export function furnish(bundle: string): void {
  writeFileSync(join(bundle, 'runc'), runtime);
  chmodSync(join(bundle, 'runc'), 0o700);
  writeFileSync(join(bundle, 'state'), rehearsalState(id, 'PID'));
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(rehearsalSpec));
  for (const name of streams) makeFifo(join(bundle, name), 0o600);
}

async function serveOnce(bundle: string): Promise<void> {
  const logFd = openSync('log', 'a', 0o600);
  // Nothing but the binding of the call is wanted.
  duplicateDescriptor(logFd, logFd);
  const log = new ShimLog({ verbose: false, fields: names, fd: logFd });
  const journal = new ExitJournal('exits', log);
  const reaper = new Reaper((ended) => task.current?.onEnded(ended));
  const task = new Task({ namespace: id, id, bundle, reaper, journal, log });
  const identity = { shimId: newShimId(), version, ...names };
  const server = serveTtrpc({
    services: [...taskServices(task, { version, onShutdown: nothing }), shimService({ task, journal, identity })],
    onError: (error) => log.error('a call failed', { error: String(error) }),
  });
  const listener = createServer((socket) => server.accept(socket));
  listener.listen(socketName);
  await once(listener, 'listening');
  reaper.start();
  try {
    const connection = await dialTtrpc(socketName, { timeoutMs: connectTimeoutMs });
    try {
      await play(connection, bundle);
    } finally {
      await connection.close();
    }
  } finally {
    reaper.stop();
    listener.close();
    await server.close({ drainTimeoutMs });
    journal.close();
    closeSync(logFd);
  }
}

/** What berthd asks of a shim in a short life. */
export async function play(connection: TtrpcConnection, bundle: string): Promise<void> {
  // The client's ends of its FIFOs, which hold what little is said.
  const ends = streams.map((name) => openSync(join(bundle, name), constants.O_RDWR | constants.O_NONBLOCK));
  try {
    await playLife(connection, bundle);
  } finally {
    for (const end of ends) closeSync(end);
  }
}

async function playLife(connection: TtrpcConnection, bundle: string): Promise<void> {
  const task = connection.client(TaskDefinition);
  const shim = connection.client(ShimDefinition);
  const over = new Deferred<void>();
  const events = shim.events(cursor(over.promise), {});
  await shim.connect({});
  const options = { ...Options.decode(new Uint8Array()), binaryName: `${bundle}/runc`, root: bundle };
  const value = Buffer.from(Options.encode(options).finish());
  await task.create({
    id,
    bundle,
    rootfs: [],
    ...stdio(bundle),
    checkpoint: '',
    parentCheckpoint: '',
    options: { typeUrl: 'containerd.runc.v1.Options', value },
  });
  await task.start({ id, execId: '' });
  const waiting = task.wait({ id, execId: '' });
  await task.state({ id, execId: '' });
  await playExec(task, bundle);
  await task.kill({ id, execId: '', signal: SIGKILL, all: false });
  await waiting;
  await task.delete({ id, execId: '' });
  // The exec's, and init's.
  await events.next();
  const { value: last } = await events.next();
  over.resolve();
  for await (const more of events) throw new Error(`a container that has ended tells of event ${more.sequence}`);
  if (last?.body?.$case !== 'exit') throw new Error('the last of a container is not its exit');
}

async function playExec(task: Client<typeof TaskDefinition>, bundle: string): Promise<void> {
  const spec = { typeUrl: '', value: Buffer.from(JSON.stringify(rehearsalSpec.process)) };
  await task.exec({ id, execId, ...stdio(bundle), spec });
  await task.start({ id, execId });
  const waiting = task.wait({ id, execId });
  await task.kill({ id, execId, signal: SIGKILL, all: false });
  await waiting;
  await task.delete({ id, execId });
}

function stdio(bundle: string): Stdio {
  const [stdin, stdout, stderr] = streams.map((name) => join(bundle, name));
  return { terminal: false, stdin: stdin ?? '', stdout: stdout ?? '', stderr: stderr ?? '' };
}

async function* cursor(over: Promise<void>): AsyncGenerator<EventsRequest> {
  yield { request: { $case: 'after', value: 0n } };
  await over;
}

function nothing(): void {
  // Its process goes on.
}
