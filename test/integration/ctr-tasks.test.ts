// Detached containers and what `ctr tasks` does with them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status as grpc } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { isServiceError } from '../helpers/rpc.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { untilItTrapsTerm } from '../helpers/traps.js';

const daemon = useBerthd();

const trapLoop = 'trap "exit 5" TERM; while :; do sleep 0.05; done';

async function tasks(...args: string[]) {
  return await daemon().ctr(['tasks', ...args]);
}

/** Starts `id` in the background. */
async function runDetached(id: string, ...command: string[]): Promise<void> {
  const { stderr, code } = await daemon().ctr(['run', '-d', '--rootfs', daemon().rootfs, id, ...command]);
  assert.equal(code, 0, stderr);
}

/** Kills what runs, and removes task and container. */
async function remove(id: string): Promise<void> {
  await tasks('kill', '-s', 'SIGKILL', id);
  await daemon().call(TasksService.wait, { containerId: id, execId: '' });
  await removeStopped(id, 137);
}

/** `ctr tasks rm` tells the status as a warning, and not at all where it is 0. */
async function removeStopped(id: string, status: number, ...options: string[]): Promise<void> {
  const { stderr, code } = await tasks('rm', ...options, id);
  assert.equal(code, 0, stderr);
  if (status === 0) assert.equal(stderr, '');
  else assert.match(stderr, new RegExp(`exit with non-zero exit code ${status}`));
  assert.equal((await daemon().ctr(['containers', 'rm', id])).code, 0);
}

test('a detached container is listed, shows its processes, and is gone after kill, rm and rm', async () => {
  await runDetached('life', '/bin/sh', '-c', trapLoop);
  const row = /^life +(\d+) +RUNNING/m.exec((await tasks('ls')).stdout);
  const pid = row?.[1] ?? assert.fail('not in the list');
  assert.match((await tasks('ps', 'life')).stdout, new RegExp(`^${pid} +-`, 'm'));
  await untilItTrapsTerm(Number(pid));
  assert.equal((await tasks('kill', '-s', 'SIGTERM', 'life')).code, 0);
  assert.equal((await daemon().call(TasksService.wait, { containerId: 'life', execId: '' })).exitStatus, 5);
  assert.match((await tasks('ls')).stdout, new RegExp(`^life +${pid} +STOPPED`, 'm'));
  await removeStopped('life', 5);
  assert.doesNotMatch((await tasks('ls')).stdout, /life/);
});

test('an exec prints its streams and exits with its own code', async () => {
  await runDetached('exec', '/bin/sleep', '1000');
  const script = 'echo in $COLOUR; echo err >&2; cat; exit 3';
  const result = await daemon().ctr(['tasks', 'exec', '--exec-id', 'e1', 'exec', '/bin/sh', '-c', script], {
    input: 'from stdin\n',
  });
  assert.equal(result.stdout, 'in\nfrom stdin\n');
  assert.equal(result.stderr, 'err\n');
  assert.equal(result.code, 3);
  assert.equal((await tasks('exec', '--exec-id', 'e1', 'exec', '/bin/true')).code, 0, 'the id is free again');
  await remove('exec');
});

test('an exec of a command that does not exist fails with the words of runc and leaves the container alone', async () => {
  await runDetached('badexec', '/bin/sleep', '1000');
  const { stderr, code } = await tasks('exec', '--exec-id', 'e1', 'badexec', '/bin/no-such-program');
  assert.notEqual(code, 0);
  assert.match(stderr, /exec failed.*no-such-program.*no such file or directory/);
  assert.match((await tasks('ls')).stdout, /^badexec +\d+ +RUNNING/m);
  assert.equal((await tasks('exec', '--exec-id', 'e1', 'badexec', '/bin/true')).code, 0);
  await remove('badexec');
});

test('a detached exec is listed by ps and killed by its id', async () => {
  await runDetached('execkill', '/bin/sleep', '1000');
  await tasks('exec', '-d', '--exec-id', 'e1', 'execkill', '/bin/sleep', '1000');
  const pids = (await tasks('ps', 'execkill')).stdout.trim().split('\n').slice(1);
  assert.equal(pids.length, 2, pids.join('\n'));
  assert.equal((await tasks('kill', '-s', 'SIGKILL', '--exec-id', 'e1', 'execkill')).code, 0);
  const exit = await daemon().call(TasksService.wait, { containerId: 'execkill', execId: 'e1' });
  assert.equal(exit.exitStatus, 137);
  const deleted = await daemon().call(TasksService.deleteProcess, { containerId: 'execkill', execId: 'e1' });
  assert.equal(deleted.exitStatus, 137);
  assert.match((await tasks('ls')).stdout, /^execkill +\d+ +RUNNING/m);
  await remove('execkill');
});

test('kill --all reaches every process of the container', async () => {
  await runDetached('killall', '/bin/sh', '-c', '/bin/sleep 1000 & wait');
  const { processes } = await daemon().call(TasksService.listPids, { containerId: 'killall' });
  assert.ok(processes.length >= 1);
  assert.equal((await tasks('kill', '--all', '-s', 'SIGKILL', 'killall')).code, 0);
  const { exitStatus } = await daemon().call(TasksService.wait, { containerId: 'killall', execId: '' });
  assert.equal(exitStatus, 137);
  await removeStopped('killall', 137);
});

test('attach shows what the container prints from then on, and its code', async () => {
  await runDetached('attach', '/bin/sh', '-c', 'read line; echo heard $line; exit 6');
  const attached = daemon().startCtr(['tasks', 'attach', 'attach'], { keepStdin: true });
  attached.write('me\n');
  const { stdout, code } = await attached.result();
  assert.deepEqual({ stdout, code }, { stdout: 'heard me\n', code: 6 });
  assert.equal((await daemon().ctr(['containers', 'rm', 'attach'])).code, 0);
});

test('ctr run ends with the code of a container that somebody else kills', async () => {
  const running = daemon().startCtr(
    ['run', '--rm', '--rootfs', daemon().rootfs, 'killed', '/bin/sh', '-c', 'echo up; sleep 1000'],
    { keepStdin: true },
  );
  await running.waitForOutput(/up/);
  assert.equal((await tasks('kill', '-s', 'SIGKILL', 'killed')).code, 0);
  assert.equal((await running.result()).code, 137);
});

test('a running task and its container are not removed, except by force', async () => {
  await runDetached('busy', '/bin/sleep', '1000');
  const task = await tasks('rm', 'busy');
  assert.equal(task.code, 1);
  assert.match(task.stderr, /must be stopped before deletion.*failed precondition/);
  const container = await daemon().ctr(['containers', 'rm', 'busy']);
  assert.equal(container.code, 1);
  assert.match(container.stderr, /busy|running task/);
  await removeStopped('busy', 137, '--force');
});

test('a stopped container starts a second task', async () => {
  await runDetached('twice', '/bin/true');
  await daemon().call(TasksService.wait, { containerId: 'twice', execId: '' });
  assert.equal((await tasks('rm', 'twice')).code, 0);
  assert.equal((await tasks('start', 'twice')).code, 0);
  assert.equal((await daemon().ctr(['containers', 'rm', 'twice'])).code, 0);
});

test('wait answers at once when the container has ended, and not found after delete', async () => {
  await runDetached('waited', '/bin/sh', '-c', 'exit 11');
  const wait = async () => await daemon().call(TasksService.wait, { containerId: 'waited', execId: '' });
  assert.equal((await wait()).exitStatus, 11);
  assert.equal((await wait()).exitStatus, 11);
  await tasks('rm', 'waited');
  await assert.rejects(
    wait,
    (error) => isServiceError(error) && error.code === grpc.NOT_FOUND && /waited/.test(error.details),
  );
  await daemon().ctr(['containers', 'rm', 'waited']);
});

test('what has ended is shown stopped by ps and ls without anybody waiting for it', async () => {
  await runDetached('unwatched', '/bin/true');
  await poll(async () => /^unwatched +\d+ +STOPPED/m.test((await tasks('ls')).stdout) || undefined, {
    limitMs: 5_000,
    intervalMs: 50,
    what: 'STOPPED in ctr tasks ls',
  });
  await removeStopped('unwatched', 0);
});
