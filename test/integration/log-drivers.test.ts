// binary:// log drivers: who is started with what, what they get, and what their deaths cost the container.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import {
  createContainer,
  createTask,
  deleteTask,
  removeContainer,
  runContainer,
  waitForExit,
} from '../helpers/containers.js';
import { hasEnded } from '../helpers/host-state.js';
import { TestDriver } from '../helpers/log-driver.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();
const limits = { limitMs: 10_000, intervalMs: 10 };
const twoStreams = ['/bin/sh', '-c', 'echo to stdout; echo to stderr >&2'];

let tests = 0;
let directory = '';

beforeEach(() => {
  directory = daemon().path(`driver${++tests}`);
  mkdirSync(directory);
});

async function remove(id: string): Promise<void> {
  await deleteTask(daemon(), id);
  await daemon().call(ContainersService.delete, { id });
}

test('ctr run --log-uri: one driver gets both streams, its names and its arguments, and nothing else', async () => {
  const driver = new TestDriver(directory);
  const log = ['--log-uri', driver.uri('?--level=3&--file=%2Fa%20b&--level=4&flag')];
  const { code, stderr } = await daemon().ctr([
    'run',
    '--rm',
    ...log,
    '--rootfs',
    daemon().rootfs,
    'both',
    ...twoStreams,
  ]);
  assert.equal(code, 0, stderr);
  assert.equal(driver.text('out'), 'to stdout\n');
  assert.equal(driver.text('err'), 'to stderr\n');
  // Deleted means logged: the driver has had its end before.
  assert.equal(driver.text('end'), 'ended\n');
  assert.match(driver.text('start'), new RegExp(`^${daemon().namespace} both --level 3 --file /a b flag  \\d+\n$`));
  const names = driver.text('env').match(/^\w+(?==)/gm) ?? [];
  assert.deepEqual(names.filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name)).toSorted(), [
    'CONTAINER_ID',
    'CONTAINER_NAMESPACE',
  ]);
});

test('streams of different drivers, and of a driver and a file, go where each is told', async () => {
  const one = new TestDriver(directory);
  const other = join(directory, 'other');
  mkdirSync(other);
  const two = new TestDriver(other);
  await runContainer(daemon(), 'two', twoStreams, { stdout: one.uri(), stderr: two.uri() });
  assert.equal(await waitForExit(daemon(), 'two'), 0);
  await remove('two');
  assert.deepEqual([one.text('out'), one.text('err')], ['to stdout\n', '']);
  assert.deepEqual([two.text('out'), two.text('err')], ['', 'to stderr\n']);
  const file = join(directory, 'file');
  await runContainer(daemon(), 'mixed', twoStreams, { stdout: `file://${file}`, stderr: one.uri() });
  await waitForExit(daemon(), 'mixed');
  await remove('mixed');
  assert.equal(readFileSync(file, 'utf8'), 'to stdout\n');
  assert.equal(one.text('err'), 'to stderr\n');
});

test('a terminal and an exec have their drivers', async () => {
  const driver = new TestDriver(directory);
  await runContainer(daemon(), 'tty', ['/bin/sh', '-c', 'tty; sleep 1000'], { terminal: true, stdout: driver.uri() });
  await driver.waitFor('out', /\/dev\/pts\/0\r\n/);
  const value = Buffer.from(
    JSON.stringify({ args: ['/bin/echo', 'from an exec'], cwd: '/', user: { uid: 0, gid: 0 } }),
  );
  const spec = { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process', value };
  const streams = { stdin: '', stdout: driver.uri(), stderr: '', terminal: false };
  await daemon().call(TasksService.exec, { containerId: 'tty', execId: 'e1', ...streams, spec });
  await daemon().call(TasksService.start, { containerId: 'tty', execId: 'e1' });
  await driver.waitFor('out', /from an exec\n/);
  await removeContainer(daemon(), 'tty');
  assert.equal(driver.text('end'), 'ended\nended\n');
});

test('a megabyte reaches its driver whole, at the pace of the driver', async () => {
  const driver = new TestDriver(directory, 'echo >&5; exec 5>&-; sleep 0.3; /bin/cat <&3 >"$d/out"');
  const script = 'dd if=/dev/zero bs=1024 count=1024 2>/dev/null | tr "\\0" x';
  await runContainer(daemon(), 'large', ['/bin/sh', '-c', script], { stdout: driver.uri() });
  await waitForExit(daemon(), 'large');
  await remove('large');
  assert.equal(driver.text('out'), 'x'.repeat(1024 * 1024));
});

test('a driver that dies does not hold its container up', async () => {
  const driver = new TestDriver(directory, 'exec 5>&-; read line <&3; echo "$line" >"$d/out"; exit 1');
  const script = 'echo first; while [ ! -e /tmp/go ]; do sleep 0.02; done; dd if=/dev/zero bs=1024 count=512; exit 6';
  await runContainer(daemon(), 'mourner', ['/bin/sh', '-c', script], { stdout: driver.uri() });
  await driver.waitFor('out', /first/);
  const pid = Number(/\d+$/.exec(driver.text('start').trim())?.[0]);
  await poll(() => hasEnded(pid) || undefined, { ...limits, what: 'the end of the driver' });
  await daemon().ctr(['tasks', 'exec', '--exec-id', 'go', 'mourner', '/bin/touch', '/tmp/go']);
  assert.equal(await waitForExit(daemon(), 'mourner'), 6);
  const log = join(daemon().state, 'tasks', daemon().namespace, 'mourner', 'log');
  const dropped = () => (/no log driver took was dropped.*"bytes":(\d+)/.exec(readFileSync(log, 'utf8')) ?? [])[1];
  assert.ok(Number(await poll(dropped, { ...limits, what: 'the count of what was dropped' })) > 400_000);
  await remove('mourner');
});

test('a driver that does not start, or is not ready, fails the create, and the reason is told', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['binary:///no/such/driver', /cannot start log driver \/no\/such\/driver: ENOENT/],
    [new TestDriver(directory, 'exit 3').uri(), /cannot start log driver .*: it ended with status 3/],
  ];
  for (const [stdout, message] of cases) {
    await createContainer(daemon(), 'refused', ['/bin/true']);
    await assert.rejects(createTask(daemon(), 'refused', { stdout }), message);
    await daemon().call(ContainersService.delete, { id: 'refused' });
  }
});

test('a driver that is never ready is given up and killed', async () => {
  const driver = new TestDriver(directory, 'exec /bin/sleep 1000');
  await createContainer(daemon(), 'unready', ['/bin/true']);
  await assert.rejects(
    createTask(daemon(), 'unready', { stdout: driver.uri() }),
    /its readiness took longer than 10000 ms/,
  );
  assert.ok(hasEnded(Number(/\d+$/.exec(driver.text('start').trim())?.[0])));
  await daemon().call(ContainersService.delete, { id: 'unready' });
});

test('a driver that overstays the end of its streams is killed when the task is deleted', async () => {
  const driver = new TestDriver(directory, 'exec 5>&-; /bin/cat <&3 >"$d/out"; exec /bin/sleep 1000');
  await runContainer(daemon(), 'overstays', ['/bin/echo', 'all of it'], { stdout: driver.uri() });
  await waitForExit(daemon(), 'overstays');
  await remove('overstays');
  assert.equal(driver.text('out'), 'all of it\n');
  assert.ok(hasEnded(Number(/\d+$/.exec(driver.text('start').trim())?.[0])));
});

test('a new shim starts the driver again, and nothing of the output is lost', async () => {
  const driver = new TestDriver(directory);
  const script = 'i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done';
  await runContainer(daemon(), 'adopted', ['/bin/sh', '-c', script], { stdout: driver.uri() });
  await driver.waitFor('out', /\n5\n/);
  const shim = readFileSync(join(daemon().state, 'tasks', daemon().namespace, 'adopted', 'shim.pid'), 'utf8');
  process.kill(Number(shim), 'SIGKILL');
  const starts = () => driver.text('start').trim().split('\n').length === 2 || undefined;
  await poll(starts, { ...limits, what: 'the second driver' });
  const before = driver.text('out').split('\n').length;
  await poll(() => driver.text('out').split('\n').length > before + 10 || undefined, {
    ...limits,
    what: 'more output',
  });
  await daemon().call(TasksService.kill, { containerId: 'adopted', execId: '', signal: 9, all: false });
  await waitForExit(daemon(), 'adopted');
  await remove('adopted');
  const numbers = driver.text('out').trim().split('\n').map(Number);
  assert.deepEqual(
    numbers.toSorted((one, other) => one - other),
    numbers.map((_number, index) => index),
  );
});
