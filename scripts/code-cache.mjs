// Runs each program of dist/bin once, for what V8 made of it in the run to be kept beside it: the next start compiles
// nothing of that again. For the Node that runs this.
import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeBundle, play, pretendedId as id } from '../dist/shim/zygote/pretended-container.js';
import { EventsDefinition } from '../dist/src/generated/containerd/services/events/ttrpc/v1/events.js';
import { TaskDefinition } from '../dist/src/generated/containerd/task/v3/shim.js';
import { encodeMessage, MessageDecoder } from '../dist/src/domain/zygote-messages.js';
import { killIfThere, processesIn } from '../dist/src/linux/known-process.js';
import { zygoteFlags } from '../dist/src/shims/zygote-process.js';
import { dialTtrpc } from '../dist/src/ttrpc/client.js';
import { implement, serveTtrpc } from '../dist/src/ttrpc/server.js';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const recorder = join(home, 'scripts/record-code-cache.mjs');
const limitMs = 60_000;

const directory = mkdtempSync(join(tmpdir(), 'berth-code-cache-'));
const children = [];
try {
  await runDaemon();
  await runZygote();
  await runShim();
} catch (error) {
  // They run all the same.
  process.stderr.write(`programs will start more slowly, for want of a code cache: ${error.message}\n`);
}
for (const child of children) child.kill('SIGKILL');
// The zygote's.
for (const pid of processesIn(join(directory, 'forked'))) killIfThere(pid);
rmSync(directory, { recursive: true, force: true });
// Node would wait for the listener, and after a failure for whoever is connected.
process.exit();

/** And the command line with it. */
async function runDaemon() {
  const address = join(directory, 'berth.sock');
  const args = ['--root', directory, '--state', directory, '--address', address, '--log-level', 'error'];
  const daemon = start('berthd', { args });
  await appeared(address, daemon);
  await ended(start('berth', { args: ['--address', address, 'ps', '--all'] }));
  daemon.kill('SIGTERM');
  await ended(daemon);
}

/** And a shim that is forked from it: the cache that this leaves at its end is of both. */
async function runZygote() {
  const zygote = start('zygote', { flags: zygoteFlags, args: [join(directory, 'zygote')] });
  const channel = zygote.stdio[3];
  await said(zygote);
  const bundle = join(directory, 'forked');
  makeBundle(bundle);
  channel.write(encodeMessage({ kind: 'launch', request: 1, namespace: id, id, bundle, debug: false }));
  await appeared(join(bundle, 'shim.pid'), zygote);
  const over = told(channel, 'ended');
  await live(join(bundle, 'shim.sock'), bundle);
  await over;
  channel.end();
  await ended(zygote);
}

/** As containerd does, which is more than berthd does. */
async function runShim() {
  const bundle = join(directory, 'contained');
  makeBundle(bundle);
  const events = join(directory, 'events.sock');
  const server = serveTtrpc({ services: [implement(EventsDefinition, { forward: async () => ({}) })] });
  createServer((socket) => server.accept(socket)).listen(events);
  const args = [
    '-namespace',
    id,
    '-id',
    id,
    '-bundle',
    bundle,
    '-address',
    join(directory, 'containerd.sock'),
    'start',
  ];
  const shim = start('shim', { args, env: { TTRPC_ADDRESS: events } });
  const answer = await said(shim);
  await live(answer.replace('unix://', ''), bundle);
  await ended(shim);
}

/** A shim's life, from the first call to the last. */
async function live(socket, bundle) {
  const connection = await dialTtrpc(socket, { timeoutMs: limitMs });
  await play(connection, bundle);
  await connection.client(TaskDefinition).shutdown({ id, now: true });
  await connection.close();
}

function start(program, { flags = [], args, env = {} }) {
  const main = join(home, 'dist/bin', program, 'main.js');
  const child = spawn(process.execPath, [...flags, '--import', recorder, main, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: { ...process.env, ...env },
    timeout: limitMs,
  });
  children.push(child);
  return child;
}

async function ended(child) {
  const [code, signal] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  if (code !== 0) throw new Error(`${child.spawnargs.join(' ')} ended with ${signal ?? code}`);
}

/** What it says on its descriptor 3, before it ends. */
async function said(child) {
  const end = once(child, 'exit').then(([code]) => {
    throw new Error(`${child.spawnargs.join(' ')} ended with ${code}`);
  });
  end.catch(() => undefined);
  const [text] = await Promise.race([once(child.stdio[3], 'data'), end]);
  return String(text);
}

/** The zygote's reports follow each other. */
async function told(channel, kind) {
  const decoder = new MessageDecoder();
  for await (const chunk of on(channel, 'data', { signal: AbortSignal.timeout(limitMs) })) {
    if (decoder.push(String(chunk)).some((report) => report.kind === kind)) return;
  }
}

async function appeared(path, child) {
  const deadline = Date.now() + limitMs;
  while (!existsSync(path)) {
    if (Date.now() > deadline || child.exitCode !== null) throw new Error(`${path} does not appear`);
    await setTimeout(20);
  }
}
