// A rehearsal: before it forks, the zygote serves a container of a runtime that only pretends. What a shim runs is then
// compiled, with its feedback, in memory that the forks share, and not once more in each of them.
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dialTtrpc } from '../../src/ttrpc/client.js';
import { killIfThere, processesIn, realPathOf } from '../../src/linux/known-process.js';
import { mountOn } from '../../src/linux/mount.js';
import { readProcessStat } from '../../src/linux/process-info.js';
import { duplicateDescriptor } from '../../src/linux/session.js';
import { serveTtrpc } from '../../src/ttrpc/server.js';
import { watchOutOfMemory } from '../oom/watch-out-of-memory.js';
import { ExitJournal } from '../exit-journal.js';
import { ShimLog } from '../log.js';
import { Reaper } from '../reaper.js';
import { newShimId } from '../shim-id.js';
import { shimService } from '../shim-service.js';
import { Task } from '../task.js';
import { taskServices } from '../task-service.js';
import { version } from '../version.js';
import { makeBundle, play, pretendedId as id } from './pretended-container.js';

/** The second goes the ways that are prepared in the first. */
const rounds = 2;
const connectTimeoutMs = 2000;
const drainTimeoutMs = 1000;

const socketName = 'shim.sock';
const impossibleMount = { type: 'bind', source: '/proc/rehearsal', target: '', options: ['bind'] };
const names = { namespace: id, containerId: id };

/** Works in `directory`, which is made for it and removed. */
export async function rehearse(directory: string): Promise<void> {
  // Loads perf_hooks, nine modules of Node's, at its first use.
  performance.now();
  try {
    makeBundle(directory);
    process.chdir(directory);
    for (let round = 0; round < rounds; round++) {
      await serveOnce(directory);
      await doTheRest(directory);
    }
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

/** What a shim comes to with a container that has mounts and control groups, and what it does at its very start. */
async function doTheRest(bundle: string): Promise<void> {
  try {
    // Nothing may stay mounted.
    mountOn(impossibleMount, bundle);
  } catch {
    // As it is to be.
  }
  const timer = setInterval(nothing, 1).unref();
  await sleep(2);
  clearInterval(timer);
  const memory = join(bundle, 'memory');
  mkdirSync(memory, { recursive: true });
  writeFileSync(join(memory, 'memory.oom_control'), 'oom_kill_disable 0\nunder_oom 0\noom_kill 0\n');
  const cgroups = { controllers: new Map([['memory', memory]]), unified: memory };
  const log = new ShimLog({ verbose: false, fields: names });
  const watch = watchOutOfMemory(cgroups, { bundle, log, living: () => [], reaper: undefined, onKilled: nothing });
  watch?.judge([]);
  watch?.close();
}

function nothing(): void {
  // Nobody waits for it.
}
