// `berth create`, `start` and `wait`: a container that is there, run as often as one likes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { CreateTaskRequest, TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { busyboxLayer, importImage, removeImages } from '../helpers/images.js';
import { startProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { fifoDirectories } from './cli-runs.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  const { containers } = await daemon().call(ContainersService.list, { filters: [] });
  for (const { id } of containers) await daemon().berth(['rm', '-f', id]);
  await removeImages(daemon());
  assert.deepEqual(fifoDirectories(daemon()), []);
});

const daemon = useBerthd();

/** Code and outputs. */
async function berth(...args: string[]) {
  const { code, stdout, stderr } = await daemon().berth(args);
  return { code, stdout, stderr };
}

async function create(id: string, script: string, ...options: string[]): Promise<void> {
  const args = ['create', ...options, '--rootfs', daemon().rootfs, id, 'sh', '-c', script];
  assert.deepEqual(await berth(...args), { code: 0, stdout: `${id}\n`, stderr: '' });
}

async function statusOf(id: string): Promise<string | null | undefined> {
  const { stdout } = await berth('ps', '-a', '-o', 'json');
  return (JSON.parse(stdout) as { id: string; status: string | null }[]).find((row) => row.id === id)?.status;
}

test('a created container runs nothing until it is started, and may be started again', async () => {
  await create('twice', 'echo out; echo err >&2; exit 3');
  assert.equal(await statusOf('twice'), null);
  for (const _ of [1, 2]) {
    assert.deepEqual(await berth('start', '--attach', 'twice'), { code: 3, stdout: 'out\n', stderr: 'err\n' });
    assert.equal(await statusOf('twice'), 'stopped');
  }
});

test('an attached start passes our standard input on where it is asked to', async () => {
  await create('input', 'cat');
  assert.deepEqual(await berth('start', '-a', 'input'), { code: 0, stdout: '', stderr: '' });
  const { code, stdout } = await daemon().berth(['start', '-a', '-i', 'input'], { input: 'typed\n' });
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'typed\n' });
});

test('a terminal that was asked for at the creation is there at the start', async () => {
  await create('terminal', 'test -t 1 && echo yes', '-t');
  assert.deepEqual(await berth('start', '-a', 'terminal'), { code: 0, stdout: 'yes\r\n', stderr: '' });
});

test('several are started at once, one that runs is no error, and it can be joined only by attach', async () => {
  await create('first', 'exec sleep 1000');
  await create('second', 'exec sleep 1000');
  assert.deepEqual(await berth('start', 'first', 'second'), { code: 0, stdout: 'first\nsecond\n', stderr: '' });
  assert.deepEqual(await berth('start', 'first'), { code: 0, stdout: 'first\n', stderr: '' });
  const attached = await berth('start', '-a', 'first');
  assert.equal(attached.code, 125);
  assert.match(attached.stderr, /container first is running/);
  const both = await berth('start', '-a', 'first', 'second');
  assert.equal(both.code, 2);
});

test('output goes again to the log that it went to', async () => {
  const log = daemon().path('again.log');
  await create('logged', 'echo line');
  await berth('start', '--log-uri', log, 'logged');
  assert.deepEqual(await berth('wait', 'logged'), { code: 0, stdout: '0\n', stderr: '' });
  await berth('start', 'logged');
  assert.deepEqual(await berth('wait', 'logged'), { code: 0, stdout: '0\n', stderr: '' });
  await poll(() => (readFileSync(log, 'utf8') === 'line\nline\n' ? true : undefined), {
    limitMs: 10_000,
    intervalMs: 20,
    what: 'the second line in the log',
  });
});

test('a start that fails leaves the container without a task', async () => {
  await daemon().berth(['create', '--rootfs', daemon().rootfs, 'missing', 'no-such-program']);
  assert.equal((await berth('start', '-a', 'missing')).code, 127);
  assert.equal((await berth('start', 'missing')).code, 1);
  assert.equal(await statusOf('missing'), null);
  assert.deepEqual(fifoDirectories(daemon()), []);
});

test("a container of an image keeps what it has written from one start to the next, and its image's command", async () => {
  await importImage(daemon(), 'example/counting:1', (layout) =>
    layout.image([busyboxLayer(daemon())], 'amd64', { Cmd: ['sh', '-c', 'echo x >> /log; wc -l < /log'] }),
  );
  assert.equal((await berth('create', '--name', 'counting', 'example/counting:1')).code, 0);
  assert.equal((await berth('start', '-a', 'counting')).stdout, '1\n');
  assert.equal((await berth('start', '-a', 'counting')).stdout, '2\n');
  await daemon().berth(['rm', 'counting']);
});

test("a container of ctr's is started, and a task that another client has made is begun", async () => {
  const { rootfs } = daemon();
  await daemon().ctr(['containers', 'create', '--rootfs', rootfs, 'of-ctr', 'ls', '/no-such-file']);
  assert.deepEqual(await berth('start', '-a', 'of-ctr'), {
    code: 1,
    stdout: '',
    stderr: 'ls: /no-such-file: No such file or directory\n',
  });
  await daemon().call(TasksService.delete, { containerId: 'of-ctr' });
  await daemon().call(TasksService.create, CreateTaskRequest.fromPartial({ containerId: 'of-ctr' }));
  assert.equal(await statusOf('of-ctr'), 'created');
  assert.deepEqual(await berth('start', 'of-ctr'), { code: 0, stdout: 'of-ctr\n', stderr: '' });
  assert.equal((await berth('wait', 'of-ctr')).stdout, '1\n');
});

test('wait tells the code of whoever ends, across a restart of the daemon, and of whoever has gone', async () => {
  await create('waited', 'exec sleep 1000');
  await berth('start', 'waited');
  const [file = '', ...args] = daemon().berthCommand(['wait', 'waited']);
  const waiting = startProgram(file, args);
  await daemon().restart('SIGKILL');
  await berth('kill', 'waited');
  const { code, stdout } = await waiting.result();
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '137\n' });
  await berth('rm', 'waited');
  assert.deepEqual(await berth('wait', '-o', 'json', 'waited'), {
    code: 0,
    stdout: '{"id":"waited","exitCode":137}\n',
    stderr: '',
  });
});

test('wait says what it cannot wait for', async () => {
  await create('never', 'true');
  const never = await berth('wait', 'never');
  assert.deepEqual({ code: never.code, stdout: never.stdout }, { code: 1, stdout: '' });
  assert.match(never.stderr, /container never has not been started/);
  const nowhere = await berth('wait', 'nowhere');
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /container nowhere in namespace \S+: not found/);
});
