// Containers run by containerd's own Go shim: what `ctr` does with them, and the events and exits that the shim tells.
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { TaskExit, TaskOOM } from '../../src/generated/containerd/events/task.js';
import { EventsDefinition } from '../../src/generated/containerd/services/events/ttrpc/v1/events.js';
import { Any } from '../../src/generated/google/protobuf/any.js';
import { Provenance } from '../../src/generated/berth/v1/provenance.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { dialTtrpc } from '../../src/ttrpc/client.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { statusOf } from '../helpers/containers.js';
import {
  exitOf,
  goShim,
  kill,
  remove,
  runForeign,
  runForeignWith,
  shimPidOf,
  shimSocketOf,
  topicsOf,
  untilTerm,
  waitFor,
} from '../helpers/foreign.js';
import { projectRoot } from '../helpers/daemon.js';
import { runProgram } from '../helpers/program.js';
import { hasEnded } from '../helpers/host-state.js';
import { startInTerminal } from '../helpers/terminal.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd({
  config: `[runtimes]\n"io.containerd.mine.v1" = "${goShim}"\n"io.containerd.ours.v1" = "berth"\n`,
});

test('ctr run prints both streams and exits with the code; each event is in the journal once, in order', async () => {
  const script = 'echo out; cat; echo err >&2; exit 7';
  const args = ['run', '--rm', '--runtime', goShim, '--rootfs', daemon().rootfs, 'once', '/bin/sh', '-c', script];
  const running = daemon().startCtr(args, { keepStdin: true });
  // An end of input before its task is there ctr does not pass on, with containerd neither.
  await running.waitForOutput(/out/);
  running.write('from stdin\n');
  running.closeStdin();
  const { stdout, stderr, code } = await running.result();
  assert.deepEqual({ stdout, stderr, code }, { stdout: 'out\nfrom stdin\n', stderr: 'err\n', code: 7 });
  assert.deepEqual(await topicsOf(daemon(), 'once'), ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete']);
  const exit = await exitOf(daemon(), 'once');
  assert.deepEqual([exit.exitStatus, exit.provenance], [7, Provenance.SHIM]);
});

test('a runtime name whose shim is on PATH runs that shim', async () => {
  const args = ['run', '--rm', '--runtime', 'io.containerd.runc.v1', '--rootfs', daemon().rootfs, 'named', '/bin/true'];
  const { stderr, code } = await daemon().ctr(args);
  assert.equal(code, 0, stderr);
  assert.equal((await exitOf(daemon(), 'named')).provenance, Provenance.SHIM);
});

test('the names that every client sends mean the shim of Berth', async () => {
  for (const name of ['io.containerd.runc.v2', 'io.containerd.berth.v2']) {
    const args = ['run', '--rm', '--runtime', name, '--rootfs', daemon().rootfs, 'own', '/bin/true'];
    assert.equal((await daemon().ctr(args)).code, 0);
    assert.equal((await exitOf(daemon(), 'own')).provenance, Provenance.WAITED);
  }
});

test('the shim of Berth runs by the contract as well, at version 3 of the task API', async () => {
  const shim = join(projectRoot, 'shim/containerd-shim-berth-v2');
  const args = ['run', '--rm', '--runtime', shim, '--rootfs', daemon().rootfs, 'berth', '/bin/sh', '-c', 'exit 6'];
  const { stderr, code } = await daemon().ctr(args);
  assert.equal(code, 6, stderr);
  assert.equal((await exitOf(daemon(), 'berth')).provenance, Provenance.SHIM);
  assert.deepEqual(await topicsOf(daemon(), 'berth'), [
    '/tasks/create',
    '/tasks/start',
    '/tasks/exit',
    '/tasks/delete',
  ]);
});

test('the configuration says what a name means', async () => {
  const told = [
    ['io.containerd.mine.v1', Provenance.SHIM],
    ['io.containerd.ours.v1', Provenance.WAITED],
  ] as const;
  for (const [name, provenance] of told) {
    const args = ['run', '--rm', '--runtime', name, '--rootfs', daemon().rootfs, 'mapped', '/bin/true'];
    assert.equal((await daemon().ctr(args)).code, 0);
    assert.equal((await exitOf(daemon(), 'mapped')).provenance, provenance);
  }
});

test('a runtime that is not there is refused by its name, and leaves nothing', async () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    [
      'io.containerd.nosuch.v9',
      /runtime "io.containerd.nosuch.v9": not found: containerd-shim-nosuch-v9 is not on PATH/,
    ],
    ['/no/such/shim', /runtime "\/no\/such\/shim": not found: no program at \/no\/such\/shim/],
    ['some/where', /invalid runtime name "some\/where"/],
    ['plain', /invalid runtime name "plain"/],
  ];
  for (const [runtime, message] of refused) {
    const args = ['run', '--rm', '--runtime', runtime, '--rootfs', daemon().rootfs, 'refused', '/bin/true'];
    const { stderr, code } = await daemon().ctr(args);
    assert.notEqual(code, 0);
    assert.match(stderr, message);
  }
});

test('a program that is no shim is refused with what it says', async () => {
  const args = ['run', '--rm', '--runtime', '/bin/false', '--rootfs', daemon().rootfs, 'noshim', '/bin/true'];
  const { stderr, code } = await daemon().ctr(args);
  assert.notEqual(code, 0);
  assert.match(stderr, /cannot launch the shim \/bin\/false: \/bin\/false start ended with 1/);
});

test('a command that does not exist fails in the words of the shim, and leaves nothing', async () => {
  const args = ['run', '--rm', '--runtime', goShim, '--rootfs', daemon().rootfs, 'nocmd', '/bin/no-such-program'];
  const { stderr, code } = await daemon().ctr(args);
  assert.notEqual(code, 0);
  assert.match(stderr, /OCI runtime create failed.*no-such-program/);
});

test('exec, ps, metrics, pause, resume, kill and delete reach the container', async () => {
  await runForeign(daemon(), 'verbs', ...untilTerm);
  const pid = shimPidOf(daemon(), 'verbs');
  const socket = shimSocketOf(daemon(), 'verbs');
  const script = 'echo in; cat; echo err >&2; exit 3';
  const exec = await daemon().ctr(['tasks', 'exec', '--exec-id', 'e1', 'verbs', '/bin/sh', '-c', script], {
    input: 'x',
  });
  assert.deepEqual([exec.stdout, exec.stderr, exec.code], ['in\nx', 'err\n', 3]);
  assert.equal((await exitOf(daemon(), 'verbs', 'e1')).exitStatus, 3);
  await daemon().ctr(['tasks', 'exec', '-d', '--exec-id', 'e2', 'verbs', '/bin/sleep', '1000']);
  const listed = (await daemon().ctr(['tasks', 'ps', 'verbs'])).stdout.trim().split('\n').slice(1);
  assert.ok(listed.length >= 2, listed.join('\n'));
  assert.match((await daemon().ctr(['tasks', 'metrics', 'verbs'])).stdout, /memory\.usage_in_bytes +[1-9]/);
  await kill(daemon(), 'verbs', 'SIGKILL', '--exec-id', 'e2');
  assert.equal(await waitFor(daemon(), 'verbs', 'e2'), 137);
  assert.equal((await daemon().ctr(['tasks', 'pause', 'verbs'])).code, 0);
  assert.equal(await statusOf(daemon(), 'verbs'), Status.PAUSED);
  assert.equal((await daemon().ctr(['tasks', 'resume', 'verbs'])).code, 0);
  await assertCheckClean(daemon());
  await kill(daemon(), 'verbs', 'SIGTERM');
  assert.equal(await waitFor(daemon(), 'verbs'), 21);
  await remove(daemon(), 'verbs');
  assert.deepEqual(await topicsOf(daemon(), 'verbs'), [
    '/tasks/create',
    '/tasks/start',
    ...['/tasks/exec-added', '/tasks/exec-started', '/tasks/exit'],
    ...['/tasks/exec-added', '/tasks/exec-started', '/tasks/exit'],
    ...['/tasks/paused', '/tasks/resumed'],
    ...['/tasks/exit', '/tasks/delete'],
  ]);
  assert.deepEqual([hasEnded(pid), existsSync(socket)], [true, false], 'the shim and its socket are gone');
});

test('the exits of execs that end with their container come before its own', async () => {
  await runForeign(daemon(), 'order', '/bin/sleep', '1000');
  for (const id of ['e1', 'e2', 'e3']) {
    await daemon().ctr(['tasks', 'exec', '-d', '--exec-id', id, 'order', '/bin/sleep', '1000']);
  }
  await kill(daemon(), 'order', 'SIGKILL');
  assert.equal(await waitFor(daemon(), 'order'), 137);
  const execs = await Promise.all(['e1', 'e2', 'e3'].map((id) => statusOf(daemon(), 'order', id)));
  assert.deepEqual(execs, [Status.STOPPED, Status.STOPPED, Status.STOPPED], 'known when init is told');
  await remove(daemon(), 'order');
  const exits = (await topicsOf(daemon(), 'order')).filter((topic) => topic === '/tasks/exit');
  assert.equal(exits.length, 4);
});

test('ctr run -t gives a terminal of the size of the client, and its code', async () => {
  const args = ['run', '--rm', '-t', '--runtime', goShim, '--rootfs', daemon().rootfs, 'tty', '/bin/sh'];
  const { program } = startInTerminal(daemon().ctrCommand(args), { columns: 100, rows: 30 });
  await program.waitForOutput(/# /);
  program.write('until stty size 2>/dev/null | grep -q " 100"; do sleep 0.05; done; tty; stty size\n');
  await program.waitForOutput(/\/dev\/pts\/0\r*\n30 100/);
  program.write('exit 12\n');
  assert.equal((await program.result()).code, 12);
});

test('a kill for want of memory is told before the exit that it caused', async () => {
  // The Go shim watches for kills from just after the start on, and beside its reaping.
  const hog = 'sleep 0.5; dd if=/dev/zero of=/dev/null bs=64M count=1; status=$?; sleep 0.5; exit $status';
  await runForeignWith(daemon(), ['--memory-limit', '8388608'], 'hungry', '/bin/sh', '-c', hog);
  assert.notEqual(await waitFor(daemon(), 'hungry'), 0);
  await remove(daemon(), 'hungry');
  const topics = await topicsOf(daemon(), 'hungry');
  assert.deepEqual(topics, ['/tasks/create', '/tasks/start', '/tasks/oom', '/tasks/exit', '/tasks/delete']);
});

test('containers of one group share a shim, which ends with the last of them', async () => {
  const grouped = ['--annotation', 'io.containerd.runc.v2.group=pod'];
  await runForeignWith(daemon(), grouped, 'first', ...untilTerm);
  await runForeignWith(daemon(), grouped, 'second', ...untilTerm);
  const pid = shimPidOf(daemon(), 'first');
  assert.equal(shimPidOf(daemon(), 'second'), pid);
  await kill(daemon(), 'first', 'SIGTERM');
  assert.equal(await waitFor(daemon(), 'first'), 21);
  await remove(daemon(), 'first');
  await assertCheckClean(daemon());
  const exec = await daemon().ctr(['tasks', 'exec', '--exec-id', 'e1', 'second', '/bin/echo', 'still']);
  assert.equal(exec.stdout, 'still\n', exec.stderr);
  await kill(daemon(), 'second', 'SIGTERM');
  assert.equal(await waitFor(daemon(), 'second'), 21);
  await remove(daemon(), 'second');
  const what = 'the end of the shim';
  await poll(() => hasEnded(pid) || undefined, { limitMs: 5000, intervalMs: 10, what });
});

test('a shim whose start leaves a child that holds its output open is started all the same', async () => {
  const shim = daemon().path('containerd-shim-holds-v1');
  await writeFile(shim, `#!/bin/sh\n[ "$9-\${11}" = "-bundle-start" ] && sleep 2 &\nexec ${goShim} "$@"\n`, {
    mode: 0o755,
  });
  const args = ['run', '--rm', '--runtime', shim, '--rootfs', daemon().rootfs, 'holds', '/bin/sh', '-c', 'exit 3'];
  const { stderr, code } = await daemon().ctr(args);
  assert.equal(code, 3, stderr);
});

test('what a foreign shim logs is kept, and explain tells it', async () => {
  await runForeign(daemon(), 'logs', ...untilTerm);
  const explained = await daemon().berth(['explain', 'logs']);
  assert.match(explained.stdout, /shim-log +.*starting signal loop/, explained.stderr);
  assert.match(explained.stdout, /\/usr\/bin\/containerd-shim-runc-v2, pid \d+ \(alive\), connected/);
  await kill(daemon(), 'logs', 'SIGTERM');
  await waitFor(daemon(), 'logs');
  await remove(daemon(), 'logs');
});

test('an exit that a shim publishes by the program it was given is taken; one of no foreign task is refused', async () => {
  await runForeign(daemon(), 'told', ...untilTerm);
  const publish = async (containerId: string) => {
    const value = Buffer.from(
      TaskExit.encode(TaskExit.fromPartial({ containerId, id: 'e1', pid: 1, exitStatus: 9 })).finish(),
    );
    const input = Buffer.from(Any.encode({ typeUrl: 'containerd.events.TaskExit', value }).finish());
    const command = [
      ...['--address', daemon().socket, 'publish'],
      ...['--topic', '/tasks/exit', '--namespace', daemon().namespace],
    ];
    return await runProgram(join(projectRoot, 'dist/bin/berthd/main.js'), command, { input });
  };
  await daemon().ctr(['tasks', 'exec', '-d', '--exec-id', 'e1', 'told', '/bin/sleep', '1000']);
  assert.deepEqual(await publish('told').then(({ code, stderr }) => ({ code, stderr })), { code: 0, stderr: '' });
  assert.equal(await waitFor(daemon(), 'told', 'e1'), 9);
  const refused = await publish('nobody');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /no foreign shim serves task nobody: its event is not taken/);
  await kill(daemon(), 'told', 'SIGTERM');
  await waitFor(daemon(), 'told');
  await remove(daemon(), 'told');
});

test('a notice that a shim sends twice is taken once, and none for a task of the shim of Berth', async () => {
  await runForeign(daemon(), 'twice', ...untilTerm);
  const own = ['run', '-d', '--rootfs', daemon().rootfs, 'ours', '/bin/sleep', '1000'];
  assert.equal((await daemon().ctr(own)).code, 0);
  const connection = await dialTtrpc(`${daemon().socket}.ttrpc`, { timeoutMs: 5000 });
  try {
    const forward = async (containerId: string) => {
      const value = Buffer.from(TaskOOM.encode({ containerId }).finish());
      const event = { typeUrl: 'containerd.events.TaskOOM', value };
      const timestamp = { seconds: 1_800_000_000n, nanos: 1 };
      const envelope = { namespace: daemon().namespace, topic: '/tasks/oom', timestamp, event };
      await connection.client(EventsDefinition).forward({ envelope }, { timeoutMs: 5000 });
    };
    await forward('twice');
    await forward('twice');
    await assert.rejects(forward('ours'), /no foreign shim serves task ours/);
  } finally {
    await connection.close();
  }
  for (const id of ['twice', 'ours']) {
    await kill(daemon(), id, 'SIGKILL');
    await waitFor(daemon(), id);
    await remove(daemon(), id);
  }
  const twice = ['/tasks/create', '/tasks/start', '/tasks/oom', '/tasks/exit', '/tasks/delete'];
  assert.deepEqual(await topicsOf(daemon(), 'twice'), twice);
  assert.equal((await topicsOf(daemon(), 'ours')).includes('/tasks/oom'), false);
});

test('the socket for events is for root alone', () => {
  assert.equal(statSync(`${daemon().socket}.ttrpc`).mode & 0o777, 0o600);
});
