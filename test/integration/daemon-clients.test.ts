// Clients that misbehave: that vanish in the middle, that cancel, and that do not speak gRPC at all.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { status as grpc } from '@grpc/grpc-js';
import { maxConnections } from '../../src/api/listener.js';
import { poll } from '../../src/base/deadline.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { isSystemError } from '../../src/linux/libc.js';
import { isContainerd } from '../helpers/daemon.js';
import { hasEnded } from '../helpers/host-state.js';
import { isServiceError } from '../helpers/rpc.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

/** What a client of HTTP/2 says first. */
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

async function status(containerId: string): Promise<number> {
  return (await daemon().call(TasksService.get, { containerId, execId: '' })).process?.status ?? -1;
}

async function waitForStatus(containerId: string, expected: number): Promise<void> {
  await poll(async () => (await status(containerId)) === expected || undefined, {
    limitMs: 10_000,
    intervalMs: 20,
    what: `${containerId} to have status ${expected}`,
  });
}

async function killAndRemove(id: string): Promise<void> {
  await daemon().ctr(['tasks', 'kill', '-s', 'SIGKILL', id]);
  await daemon().call(TasksService.wait, { containerId: id, execId: '' });
  assert.equal((await daemon().ctr(['tasks', 'rm', id])).code, 0);
  assert.equal((await daemon().ctr(['containers', 'rm', id])).code, 0);
}

test('a container goes on when its client vanishes, and is removed by the next', async () => {
  const args = ['run', '--rm', '--rootfs', daemon().rootfs, 'orphan', '/bin/sh', '-c', 'echo up; exec sleep 1000'];
  const client = daemon().startCtr(args, { keepStdin: true });
  await client.waitForOutput(/up/);
  client.signal('SIGKILL');
  await client.result();
  assert.equal(await status('orphan'), Status.RUNNING);
  await killAndRemove('orphan');
});

test('a container whose reader vanished writes on to its end', { skip: isContainerd }, async () => {
  const script = 'echo up; read line; i=0; while [ $i -lt 20000 ]; do echo line number $i; i=$((i+1)); done; exit 14';
  const args = ['run', '--rm', '--rootfs', daemon().rootfs, 'unread', '/bin/sh', '-c', script];
  const client = daemon().startCtr(args, { keepStdin: true });
  await client.waitForOutput(/up/);
  client.signal('SIGKILL');
  await client.result();
  await daemon().call(TasksService.closeIo, { containerId: 'unread', execId: '', stdin: true });
  await waitForStatus('unread', Status.STOPPED);
  assert.equal((await daemon().call(TasksService.wait, { containerId: 'unread', execId: '' })).exitStatus, 14);
  assert.equal((await daemon().ctr(['tasks', 'rm', 'unread'])).code, 0);
  assert.equal((await daemon().ctr(['containers', 'rm', 'unread'])).code, 0);
});

test('a wait that its client cancels ends, and other waits do not', async () => {
  await daemon().ctr(['run', '-d', '--rootfs', daemon().rootfs, 'waits', '/bin/sleep', '1000']);
  const patient = daemon().call(TasksService.wait, { containerId: 'waits', execId: '' });
  const hasty = daemon().call(TasksService.wait, { containerId: 'waits', execId: '' }, { limitMs: 100 });
  await assert.rejects(hasty, (error) => isServiceError(error) && error.code === grpc.DEADLINE_EXCEEDED);
  await daemon().ctr(['tasks', 'kill', '-s', 'SIGKILL', 'waits']);
  assert.equal((await patient).exitStatus, 137);
  await killAndRemove('waits');
});

test('a create whose client gives up at once is whole or undone', async () => {
  await daemon().ctr(['containers', 'create', '--rootfs', daemon().rootfs, 'hasty', '/bin/sleep', '1000']);
  const request = {
    ...{ containerId: 'hasty', rootfs: [], stdin: '', stdout: '', stderr: '', terminal: false },
    ...{ checkpoint: undefined, options: undefined, runtimePath: '' },
  };
  await assert.rejects(daemon().call(TasksService.create, request, { limitMs: 20 }), isServiceError);
  const outcome = await poll(
    async () => {
      const { tasks } = await daemon().call(TasksService.list, { filter: '' });
      if (tasks.some(({ id, status }) => id === 'hasty' && status === Status.CREATED)) return 'whole';
      return (
        (await daemon()
          .call(TasksService.create, request)
          .catch(() => undefined)) && 'undone'
      );
    },
    { limitMs: 10_000, intervalMs: 50, what: 'the task, whole or free to be created again' },
  );
  assert.ok(outcome);
  await killAndRemove('hasty');
});

test('a client that is killed during the creation leaves nothing that cannot be removed', {
  skip: isContainerd,
}, async () => {
  for (const delayMs of [5, 15, 25, 35, 45, 60]) {
    const id = `killed-${delayMs}`;
    const client = daemon().startCtr(['run', '--rm', '--rootfs', daemon().rootfs, id, '/bin/sleep', '1000'], {
      keepStdin: true,
    });
    setTimeout(() => client.signal('SIGKILL'), delayMs);
    await client.result();
    await poll(async () => ((await removed(id)) ? true : undefined), {
      limitMs: 10_000,
      intervalMs: 50,
      what: `${id} to be removed`,
    });
  }
  const { stdout } = await daemon().ctr(['leases', 'ls', '-q']);
  for (const lease of stdout.split('\n').filter((line) => line !== '')) await daemon().ctr(['leases', 'rm', lease]);
});

/** One attempt to remove `id`, whatever there is of it; true once there is nothing. */
async function removed(id: string): Promise<boolean> {
  await daemon().ctr(['tasks', 'rm', '--force', id]);
  await daemon().ctr(['containers', 'rm', id]);
  const { stdout } = await daemon().ctr(['containers', 'ls', '-q']);
  const { tasks } = await daemon().call(TasksService.list, { filter: '' });
  return !stdout.split('\n').includes(id) && !tasks.some((task) => task.id === id);
}

for (const [what, bytes] of [
  ['random bytes', randomBytes(4096)],
  ['HTTP/1', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ['a preface and then random bytes', Buffer.concat([Buffer.from(preface), randomBytes(4096)])],
  ['a frame that claims 16 MiB', Buffer.concat([Buffer.from(preface), Buffer.from('ffffff0000000000010a', 'hex')])],
  ['zeros', Buffer.alloc(65536)],
] as const) {
  test(`the daemon serves others after ${what} on its socket`, async () => {
    const { pid } = daemon();
    const socket = await dial();
    socket.write(bytes);
    socket.resume();
    await answers();
    socket.destroy();
    await answers();
    assert.equal(daemon().pid, pid);
    assert.equal(hasEnded(pid), false);
  });
}

test('a hundred connections that say nothing keep nobody else from being served', async () => {
  const sockets = await Promise.all(Array.from({ length: 100 }, dial));
  await answers();
  for (const socket of sockets) socket.destroy();
  await answers();
});

test('connections beyond the limit are refused, with a line in the log', { skip: isContainerd }, async () => {
  const sockets: Socket[] = [];
  try {
    while (sockets.length < maxConnections) sockets.push(await dialPatiently());
    const late = await dial();
    late.resume();
    await once(late, 'close');
    assert.match(daemon().log, /a connection was refused: there are too many/);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  const isServed = async () => (await daemon().ctr(['version'])).code === 0 || undefined;
  await poll(isServed, { limitMs: 10_000, intervalMs: 50, what: 'a connection to be free again' });
});

test('a stop does not wait for a connection that says nothing', { skip: isContainerd }, async () => {
  const socket = await dial();
  try {
    assert.equal(await daemon().stop(), 0);
  } finally {
    socket.destroy();
    await daemon().start();
  }
});

test('a connection is told how many calls it may have at once', { skip: isContainerd }, async () => {
  const session = connectHttp2('http://berthd', { createConnection: () => connect(daemon().socket) });
  const [settings] = (await once(session, 'remoteSettings')) as [{ readonly maxConcurrentStreams?: number }];
  session.destroy();
  assert.equal(settings.maxConcurrentStreams, 10_000);
});

test('a message that is no protobuf is refused, and the connection goes on', async () => {
  const method = { ...TasksService.get, requestSerialize: () => Buffer.from('ffffffffffffff', 'hex') };
  await assert.rejects(daemon().call(method, { containerId: '', execId: '' }), isServiceError);
  await answers();
});

test('a message above the limit is refused, and the connection goes on', async () => {
  const request = { containerId: 'x'.repeat(17 * 1024 * 1024), execId: '' };
  await assert.rejects(
    daemon().call(TasksService.get, request),
    (error) => isServiceError(error) && error.code === grpc.RESOURCE_EXHAUSTED,
  );
  await answers();
});

/** A socket's queue holds 511 connections that the daemon has not come to take. */
async function dialPatiently(): Promise<Socket> {
  const attempt = async () =>
    await dial().catch((error: unknown) => {
      if (!isSystemError(error, 'EAGAIN')) throw error;
      return undefined;
    });
  return await poll(attempt, { limitMs: 10_000, intervalMs: 10, what: 'room for a connection' });
}

async function dial(): Promise<Socket> {
  const socket = connect(daemon().socket);
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

async function answers(): Promise<void> {
  const { stderr, code } = await daemon().ctr(['version']);
  assert.equal(code, 0, stderr);
}
