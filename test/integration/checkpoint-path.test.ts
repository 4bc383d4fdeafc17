// Checkpoints to a path and restores from one, as clients of containerd make them: real runc, real CRIU.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { EventsService } from '../../src/generated/berth/v1/events.js';
import { CheckpointOptions } from '../../src/generated/containerd/runc/v1/oci.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import {
  cgroupFile,
  counted,
  counter,
  createContainer,
  createTask,
  deleteTask,
  removeContainer,
  runContainer,
  startTask,
  statusOf,
  type TaskOptions,
  waitForCount,
  waitForExit,
} from '../helpers/containers.js';
import { criuPath } from '../helpers/criu.js';
import { findProcesses } from '../helpers/host-state.js';
import { runProgram } from '../helpers/program.js';
import { refusedWith } from '../helpers/refused.js';
import { isServiceError } from '../helpers/rpc.js';
import { makeProgramRootfs } from '../helpers/rootfs.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd({ config: `criu = "${criuPath()}"\n` });
const { UNKNOWN, INVALID_ARGUMENT, FAILED_PRECONDITION } = status;

async function checkpoint(id: string, options: Partial<CheckpointOptions>): Promise<void> {
  const value = Buffer.from(CheckpointOptions.encode(CheckpointOptions.fromPartial(options)).finish());
  const typeUrl = 'containerd.runc.v1.CheckpointOptions';
  const request = { containerId: id, parentCheckpoint: '', options: { typeUrl, value } };
  await daemon().call(TasksService.checkpoint, request, { limitMs: 60_000 });
}

/** A task that starts where the image ends. */
async function restore(id: string, imagePath: string, task: TaskOptions = {}): Promise<number> {
  assert.equal(await createTask(daemon(), id, { ...task, options: { criuImagePath: imagePath } }), 0);
  assert.equal(await statusOf(daemon(), id), Status.CREATED);
  return await startTask(daemon(), id);
}

async function topicsOf(id: string): Promise<string[]> {
  const request = { after: 0n, since: undefined, filters: [`event.container_id==${id}`], follow: false };
  const stream = daemon().stream(EventsService.subscribe, request);
  assert.equal(await stream.ended, undefined);
  return stream.received.flatMap(({ entry }) => (entry?.$case === 'event' ? [entry.value.topic] : []));
}

test('a counter that is checkpointed with exit and restored goes on from its number, three times over', async () => {
  const file = daemon().path('count');
  const stdout = `file://${file}`;
  await runContainer(daemon(), 'counter', counter, { stdout });
  for (let round = 1; round <= 3; round++) {
    await waitForCount(file, counted(file).length + 3);
    const image = daemon().path(`image${round}`);
    await checkpoint('counter', { exit: true, imagePath: image });
    assert.equal(await statusOf(daemon(), 'counter'), Status.STOPPED);
    assert.equal(await waitForExit(daemon(), 'counter'), 137);
    await deleteTask(daemon(), 'counter');
    const stoppedAt = counted(file).length;
    await restore('counter', image, { stdout });
    await waitForCount(file, stoppedAt + 3);
  }
  await removeContainer(daemon(), 'counter');
  const topics = await topicsOf('counter');
  const life = ['create', 'start', 'checkpointed', 'exit', 'delete'].map((name) => `/tasks/${name}`);
  assert.deepEqual(topics.slice(0, 10), [...life, ...life]);
});

test('a container that is left running counts on, and so does the one restored from it later', async () => {
  const file = daemon().path('left');
  const image = daemon().path('left-image');
  await runContainer(daemon(), 'left', counter, { stdout: `file://${file}` });
  await waitForCount(file, 3);
  await checkpoint('left', { imagePath: image });
  await waitForCount(file, counted(file).length + 3);
  assert.equal(await statusOf(daemon(), 'left'), Status.RUNNING);
  await removeContainer(daemon(), 'left');
  const restored = daemon().path('restored');
  await createContainer(daemon(), 'left2', counter);
  // The image holds a pipe for stdout: the new task's takes its place.
  await restore('left2', image, { stdout: `file://${restored}` });
  const first = await poll(() => numbersIn(restored)[0], { limitMs: 5_000, intervalMs: 10, what: 'a number' });
  assert.ok(first >= 3 && first < counted(file).length, String(first));
  await removeContainer(daemon(), 'left2');
});

function numbersIn(file: string): number[] {
  return readLines(file).map(Number);
}

test('ctr checkpoints to a path, with exit and without, and starts the container again', async () => {
  const { code, stderr } = await daemon().ctr(['run', '-d', '--rootfs', daemon().rootfs, 'ctr', '/bin/sleep', '1000']);
  assert.equal(code, 0, stderr);
  const image = daemon().path('ctr-image');
  const kept = await daemon().ctr(['tasks', 'checkpoint', '--image-path', image, 'ctr']);
  assert.equal(kept.code, 0, kept.stderr);
  assert.equal(await statusOf(daemon(), 'ctr'), Status.RUNNING);
  assert.ok(existsSync(`${image}/inventory.img`));
  const work = daemon().path('ctr-work');
  const ended = await daemon().ctr([
    'tasks',
    'checkpoint',
    '--exit',
    '--image-path',
    image,
    '--work-path',
    work,
    'ctr',
  ]);
  assert.equal(ended.code, 0, ended.stderr);
  assert.ok(existsSync(`${work}/dump.log`));
  assert.match((await daemon().ctr(['tasks', 'ls'])).stdout, /^ctr +\d+ +STOPPED/m);
  await daemon().ctr(['tasks', 'rm', 'ctr']);
  const again = await daemon().ctr(['tasks', 'start', '-d', 'ctr']);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(await statusOf(daemon(), 'ctr'), Status.RUNNING);
  await removeContainer(daemon(), 'ctr');
});

test('a restored container is executed in, paused, killed and waited for like any other', async () => {
  const image = daemon().path('like-image');
  await runContainer(daemon(), 'like', ['/bin/sh', '-c', 'trap "exit 7" TERM; while :; do sleep 0.02; done']);
  await checkpoint('like', { exit: true, imagePath: image });
  await deleteTask(daemon(), 'like');
  const pid = await restore('like', image);
  assert.ok(pid > 0);
  const exec = await daemon().ctr(['tasks', 'exec', '--exec-id', 'e1', 'like', '/bin/sh', '-c', 'echo in; exit 3']);
  assert.deepEqual([exec.stdout, exec.code], ['in\n', 3], exec.stderr);
  await daemon().call(TasksService.pause, { containerId: 'like' });
  await daemon().restart('SIGKILL');
  await daemon().call(TasksService.resume, { containerId: 'like' });
  await daemon().call(TasksService.kill, { containerId: 'like', execId: '', signal: 15, all: false });
  assert.equal(await waitForExit(daemon(), 'like'), 7);
  await removeContainer(daemon(), 'like');
});

test('a server keeps its established connection over a checkpoint with --tcp and a restore', async () => {
  const rootfs = daemon().path('redis');
  await makeProgramRootfs(rootfs, ['redis-server']);
  const port = await freePort();
  const args = ['redis-server', '--bind', '127.0.0.1', '--port', String(port), '--save', '', '--dir', '/tmp'];
  await runContainer(daemon(), 'redis', args, { rootfs });
  const client = await connectTo(port);
  try {
    assert.equal(await client.ask('INCR number'), ':1');
    const image = daemon().path('redis-image');
    const refused = checkpoint('redis', { imagePath: image });
    await assert.rejects(refused, refusedWith(UNKNOWN, /Connected TCP socket|tcp/i));
    assert.ok(!existsSync(image), 'no half image');
    assert.equal(await client.ask('INCR number'), ':2', 'goes on after the failure');
    await checkpoint('redis', { exit: true, openTcp: true, imagePath: image });
    await deleteTask(daemon(), 'redis');
    await restore('redis', image);
    assert.equal(await client.ask('INCR number'), ':3', 'on the same connection');
  } finally {
    client.close();
  }
  await removeContainer(daemon(), 'redis');
});

test('a container with a terminal is checkpointed and restored with one', async () => {
  const fifo = daemon().path('terminal');
  const image = daemon().path('terminal-image');
  await runContainer(
    daemon(),
    'terminal',
    ['/bin/sh', '-c', 'i=0; while :; do tty; echo $i; i=$((i+1)); sleep 0.05; done'],
    {
      terminal: true,
      stdout: `file://${fifo}`,
    },
  );
  await poll(() => (readLines(fifo).includes('2') ? true : undefined), { limitMs: 5_000, intervalMs: 10, what: '2' });
  await checkpoint('terminal', { exit: true, terminal: true, imagePath: image });
  await deleteTask(daemon(), 'terminal');
  const before = readLines(fifo).length;
  await restore('terminal', image, { terminal: true, stdout: `file://${fifo}` });
  const lines = await poll(() => (readLines(fifo).length > before + 4 ? readLines(fifo) : undefined), {
    limitMs: 5_000,
    intervalMs: 10,
    what: 'more lines',
  });
  const numbers = lines.filter((line) => /^\d+$/.test(line)).map(Number);
  assert.deepEqual(
    numbers,
    numbers.map((_number, index) => index),
  );
  assert.ok(
    lines.filter((line) => line.includes('/')).every((line) => line === '/dev/pts/0' || line === '/dev/console'),
    lines.join(' '),
  );
  await removeContainer(daemon(), 'terminal');
});

function readLines(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => line.trim());
}

test('stdin and stdout on FIFOs of a client go on over checkpoint and restore', async () => {
  const running = daemon().startCtr(
    ['run', '--rootfs', daemon().rootfs, 'fifo', '/bin/sh', '-c', 'while read line; do echo got $line; done; exit 8'],
    { keepStdin: true },
  );
  running.write('one\n');
  await running.waitForOutput(/got one/);
  const image = daemon().path('fifo-image');
  const { code, stderr } = await daemon().ctr(['tasks', 'checkpoint', '--image-path', image, 'fifo']);
  assert.equal(code, 0, stderr);
  running.write('two\n');
  await running.waitForOutput(/got two/);
  running.closeStdin();
  assert.equal((await running.result()).code, 8);
  await daemon().ctr(['containers', 'rm', 'fifo']);
});

test('five containers are checkpointed and restored at once', async () => {
  const ids = [1, 2, 3, 4, 5].map((number) => `five${number}`);
  const file = (id: string) => daemon().path(id);
  await Promise.all(ids.map((id) => runContainer(daemon(), id, counter, { stdout: `file://${file(id)}` })));
  await Promise.all(ids.map((id) => waitForCount(file(id), 3)));
  await Promise.all(ids.map((id) => checkpoint(id, { exit: true, imagePath: `${file(id)}-image` })));
  await Promise.all(ids.map((id) => deleteTask(daemon(), id)));
  await Promise.all(ids.map((id) => restore(id, `${file(id)}-image`, { stdout: `file://${file(id)}` })));
  await Promise.all(ids.map((id) => waitForCount(file(id), counted(file(id)).length + 3)));
  for (const id of ids) await removeContainer(daemon(), id);
});

test('a full disk leaves the container counting, no half image, and tells why', async () => {
  const disk = daemon().path('disk');
  await mkdir(disk);
  assert.equal((await runProgram('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])).code, 0);
  try {
    const file = daemon().path('full');
    await runContainer(daemon(), 'full', counter, { stdout: `file://${file}` });
    await waitForCount(file, 3);
    await assert.rejects(checkpoint('full', { exit: true, imagePath: disk }), refusedWith(UNKNOWN, /Error \(.*space/i));
    assert.deepEqual(readdirSync(disk), []);
    await waitForCount(file, counted(file).length + 3);
    assert.equal(cgroupFile(daemon(), 'full', 'freezer', 'freezer.state'), 'THAWED');
    assert.equal(await statusOf(daemon(), 'full'), Status.RUNNING);
    await removeContainer(daemon(), 'full');
  } finally {
    await runProgram('umount', [disk]);
  }
});

test('a path that cannot be written, one that is not absolute, and a restore from nothing are refused', async () => {
  await runContainer(daemon(), 'bad', ['/bin/sleep', '1000']);
  await assert.rejects(
    checkpoint('bad', { imagePath: '/proc/nowhere' }),
    refusedWith(INVALID_ARGUMENT, /\/proc\/nowhere/),
  );
  await assert.rejects(checkpoint('bad', { imagePath: 'relative' }), refusedWith(INVALID_ARGUMENT, /absolute/));
  await removeContainer(daemon(), 'bad');
  await createContainer(daemon(), 'nothing', ['/bin/sleep', '1000']);
  const empty = createTask(daemon(), 'nothing', { options: { criuImagePath: daemon().path('fifo') } });
  await assert.rejects(empty, refusedWith(INVALID_ARGUMENT, /no checkpoint/));
  await removeContainer(daemon(), 'nothing');
});

test('a restore that fails tells what CRIU said and leaves neither process nor cgroup', async () => {
  const image = daemon().path('broken-image');
  await runContainer(daemon(), 'broken', ['/bin/sleep', '1000']);
  await checkpoint('broken', { exit: true, imagePath: image });
  await deleteTask(daemon(), 'broken');
  await runProgram('rm', [`${image}/pages-1.img`]);
  await createTask(daemon(), 'broken', { options: { criuImagePath: image } });
  await assert.rejects(startTask(daemon(), 'broken'), refusedWith(UNKNOWN, /restore failed.*: Error \(criu\/.*pages/));
  assert.equal(await statusOf(daemon(), 'broken'), Status.CREATED);
  assert.deepEqual(findProcesses({ directory: '/nonexistent', namespace: daemon().namespace }), []);
  await deleteTask(daemon(), 'broken');
  await startAfresh('broken');
});

/** The container is not hurt by what became of a task. */
async function startAfresh(id: string): Promise<void> {
  await createTask(daemon(), id);
  await startTask(daemon(), id);
  await removeContainer(daemon(), id);
}

test('a container with a running exec is not checkpointed, and is again once that has ended', async () => {
  const image = daemon().path('exec-image');
  await runContainer(daemon(), 'withexec', ['/bin/sleep', '1000']);
  await daemon().ctr(['tasks', 'exec', '-d', '--exec-id', 'e1', 'withexec', '/bin/sleep', '1000']);
  await assert.rejects(
    checkpoint('withexec', { imagePath: image }),
    refusedWith(FAILED_PRECONDITION, /exec e1 is running/),
  );
  await daemon().call(TasksService.kill, { containerId: 'withexec', execId: 'e1', signal: 9, all: false });
  await daemon().call(TasksService.wait, { containerId: 'withexec', execId: 'e1' });
  await checkpoint('withexec', { imagePath: image });
  await removeContainer(daemon(), 'withexec');
});

test('a shim killed in the middle of a checkpoint: the container counts on, no half image, and the next one works', async () => {
  const file = daemon().path('shimless');
  const image = daemon().path('shimless-image');
  await runContainer(daemon(), 'shimless', counter, { stdout: `file://${file}` });
  await waitForCount(file, 3);
  const doomed = checkpoint('shimless', { exit: true, imagePath: image }).then(
    () => 'done',
    () => 'failed',
  );
  await poll(() => existsSync(`${image}/.berth-partial/mm-1.img`) || undefined, {
    limitMs: 10_000,
    intervalMs: 1,
    what: 'the dump to have begun',
  });
  process.kill(shimPid('shimless'), 'SIGKILL');
  assert.equal(await doomed, 'failed');
  await poll(() => cgroupFile(daemon(), 'shimless', 'freezer', 'freezer.state') === 'THAWED' || undefined, {
    limitMs: 10_000,
    intervalMs: 10,
    what: 'a thawed container',
  });
  assert.equal(await statusOf(daemon(), 'shimless'), Status.RUNNING);
  await poll(() => (existsSync(image) && readdirSync(image).length > 0 ? undefined : true), {
    limitMs: 5_000,
    intervalMs: 10,
    what: 'no half image',
  });
  await poll(() => checkpoint('shimless', { exit: true, imagePath: image }).then(() => true, isUnavailable), {
    limitMs: 10_000,
    intervalMs: 50,
    what: 'a checkpoint under the new shim',
  });
  await removeContainer(daemon(), 'shimless');
});

/** While the container has no shim. */
function isUnavailable(error: unknown): undefined {
  if (!isServiceError(error) || error.code !== status.UNAVAILABLE) throw error;
}

function shimPid(id: string): number {
  return Number(readFileSync(`${daemon().state}/tasks/${daemon().namespace}/${id}/shim.pid`, 'utf8'));
}

interface RedisClient {
  ask(command: string): Promise<string>;
  close(): void;
}

async function connectTo(port: number): Promise<RedisClient> {
  const socket = await poll(
    async () => {
      const attempt = connect(port, '127.0.0.1');
      try {
        await once(attempt, 'connect');
        return attempt;
      } catch {
        attempt.destroy();
        return undefined;
      }
    },
    { limitMs: 10_000, intervalMs: 20, what: `a server on port ${port}` },
  );
  return {
    ask: async (command) => {
      socket.write(`${command}\r\n`);
      const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
      return answer.toString().trim();
    },
    close: () => socket.destroy(),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}
