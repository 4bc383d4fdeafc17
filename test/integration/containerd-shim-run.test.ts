// The real containerd runs containers with Berth's shim: what `ctr` sees of it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { containerMessage, createTask } from '../helpers/containers.js';
import { projectRoot } from '../helpers/daemon.js';
import { TestDriver } from '../helpers/log-driver.js';
import { runProgram } from '../helpers/program.js';
import { startInTerminal } from '../helpers/terminal.js';
import { berthRuntime, bundlePath, useContainerd } from '../helpers/use-containerd.js';

const daemon = useContainerd();
const launcher = join(projectRoot, 'shim/containerd-shim-berth-v2');

async function run(options: readonly string[], id: string, ...command: string[]) {
  const fixed = ['run', '--runtime', berthRuntime, ...options, '--rootfs', daemon().rootfs];
  return await daemon().ctr([...fixed, id, ...command]);
}

async function ctr(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().ctr(args);
  assert.equal(code, 0, `ctr ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function remove(id: string): Promise<void> {
  await ctr('tasks', 'kill', '-s', 'SIGKILL', id);
  await daemon().call(TasksService.wait, { containerId: id, execId: '' });
  // ctr itself fails here with the exit code of what it removes.
  await daemon().ctr(['tasks', 'rm', id]);
  await ctr('containers', 'rm', id);
}

test('a container runs with the shim that its runtime names, and ends with its status', async () => {
  const { stdout, stderr, code } = await run(['--rm'], 'status', '/bin/sh', '-c', 'echo out; echo err >&2; exit 7');
  assert.deepEqual({ stdout, stderr, code }, { stdout: 'out\n', stderr: 'err\n', code: 7 });
});

test('the shim may be named by its path', async () => {
  const args = ['run', '--rm', '--runtime', launcher, '--rootfs', daemon().rootfs, 'path', '/bin/echo', 'by path'];
  assert.equal(await ctr(...args), 'by path\n');
});

test('a detached container is listed, executed in, paused, resumed, measured and killed', async () => {
  await run(['-d'], 'detached', '/bin/sleep', '1000');
  const shim = Number(readFileSync(join(bundlePath(daemon(), 'detached'), 'shim.pid'), 'utf8'));
  assert.match(readFileSync(`/proc/${shim}/cmdline`, 'utf8'), /containerd-shim-berth-v2/);
  assert.match(await ctr('tasks', 'ls'), /detached\s+\d+\s+RUNNING/);
  assert.equal(await ctr('tasks', 'exec', '--exec-id', 'e1', 'detached', '/bin/echo', 'inside'), 'inside\n');
  const failing = await daemon().ctr(['tasks', 'exec', '--exec-id', 'e2', 'detached', '/bin/sh', '-c', 'exit 4']);
  assert.equal(failing.code, 4);
  assert.match(await ctr('tasks', 'ps', 'detached'), /^PID/);
  assert.match(await ctr('tasks', 'metrics', 'detached'), /memory\.usage_in_bytes\s+\d+|memory\.usage\s+\d+/);
  await ctr('tasks', 'pause', 'detached');
  assert.match(await ctr('tasks', 'ls'), /detached\s+\d+\s+PAUSED/);
  await ctr('tasks', 'resume', 'detached');
  assert.match(await ctr('tasks', 'ls'), /detached\s+\d+\s+RUNNING/);
  await remove('detached');
});

test('stdin reaches the process and ends there', async () => {
  const args = ['run', '--rm', '--runtime', berthRuntime, '--rootfs', daemon().rootfs, 'stdin', '/bin/wc', '-c'];
  const { stdout } = await daemon().ctr(args, { input: 'x'.repeat(300_000) });
  assert.equal(stdout.trim(), '300000');
});

test('a terminal has the size of the client, and is resized with it', async () => {
  const script = 'trap "stty size" WINCH; stty size; while :; do sleep 0.05; done';
  const args = ['run', '--rm', '-t', '--runtime', berthRuntime, '--rootfs', daemon().rootfs, 'tty'];
  const command = daemon().ctrCommand([...args, '/bin/sh', '-c', script]);
  const terminal = startInTerminal(command, { columns: 100, rows: 30 });
  await terminal.program.waitForOutput(/30 100/);
  await terminal.resize({ columns: 121, rows: 41 });
  await terminal.program.waitForOutput(/41 121/);
  await ctr('tasks', 'kill', '-s', 'SIGKILL', 'tty');
  assert.equal((await terminal.program.result()).code, 137);
});

test('a log driver gets the output', async () => {
  const driver = new TestDriver(daemon().path());
  const args = ['run', '--rm', '--runtime', berthRuntime, '--log-uri', driver.uri('?to=file')];
  const { code } = await daemon().ctr([
    ...args,
    '--rootfs',
    daemon().rootfs,
    'logged',
    '/bin/sh',
    '-c',
    'echo out; echo err >&2',
  ]);
  assert.equal(code, 0);
  assert.deepEqual([driver.text('out'), driver.text('err'), driver.text('end')], ['out\n', 'err\n', 'ended\n']);
  assert.match(driver.text('start'), new RegExp(`^${daemon().namespace} logged to file `));
});

test('an installed shim runs a container as well', async () => {
  const prefix = daemon().path('prefix');
  const installed = await runProgram(join(projectRoot, 'scripts/install.sh'), [prefix]);
  assert.equal(installed.code, 0, installed.stderr);
  const shim = join(prefix, 'bin/containerd-shim-berth-v2');
  const args = ['run', '--rm', '--runtime', shim, '--rootfs', daemon().rootfs, 'installed', '/bin/echo', 'installed'];
  assert.equal(await ctr(...args), 'installed\n');
});

test('what the runtime refuses is told in its words, and the id can be used again', async () => {
  const refused = await run(['--rm'], 'refused', '/bin/no-such-program');
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /exec: "\/bin\/no-such-program": stat \/bin\/no-such-program: no such file or directory/,
  );
  assert.equal((await run(['--rm'], 'refused', '/bin/true')).code, 0);
});

test('a runtime that does not exist is named in the failure', async () => {
  const container = containerMessage(daemon(), 'nobinary', ['/bin/true']);
  const runtime = { name: berthRuntime, options: undefined };
  await daemon().call(ContainersService.create, { container: { ...container, runtime } });
  const create = createTask(daemon(), 'nobinary', { options: { binaryName: '/no/such/runc' } });
  await assert.rejects(create, /fork\/exec \/no\/such\/runc: no such file or directory/);
  await daemon().call(ContainersService.delete, { id: 'nobinary' });
});

test('without a Node to run it the shim says so through containerd', async () => {
  const { stderr, code } = await runProgram(launcher, ['-namespace', 'n', '-id', 'i', '-address', 'a', 'start'], {
    env: { BERTH_NODE: '/no/such/node' },
  });
  assert.equal(code, 1);
  assert.match(stderr, /\/no\/such\/node/);
});

test('a start without containerd around it is refused with the reason, and nothing on stdout', async () => {
  const cwd = daemon().path();
  const flags = ['-namespace', 'n', '-id', 'i', '-address', 'a', 'start'];
  const { stdout, stderr, code } = await runProgram(launcher, flags, { cwd, env: { TTRPC_ADDRESS: '' } });
  assert.deepEqual({ stdout, code }, { stdout: '', code: 1 });
  assert.match(stderr, /TTRPC_ADDRESS is not set/);
});

test('the shim tells its version', async () => {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  const { stdout, code } = await runProgram(launcher, ['-v']);
  assert.equal(code, 0);
  assert.match(stdout, /^containerd-shim-berth-v2:\n/);
  assert.ok(stdout.includes(version));
});
