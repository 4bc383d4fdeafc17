// Container records through `ctr containers`, without any task.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

async function containers(...args: string[]) {
  return await daemon().ctr(['containers', ...args]);
}

async function create(id: string, ...options: string[]): Promise<void> {
  const { stderr, code } = await containers('create', ...options, '--rootfs', daemon().rootfs, id, '/bin/true');
  assert.equal(code, 0, stderr);
}

test('ctr containers creates, lists, shows, labels and removes', async () => {
  await create('record', '--label', 'a=1', '--env', 'X=y');
  assert.match((await containers('ls')).stdout, /^record +- +io\.containerd\.runc\.v2 *$/m);
  assert.equal((await containers('ls', '-q')).stdout, 'record\n');
  const info = JSON.parse((await containers('info', 'record')).stdout);
  assert.equal(info.ID, 'record');
  assert.deepEqual(info.Labels, { a: '1' });
  assert.equal(info.Runtime.Name, 'io.containerd.runc.v2');
  assert.deepEqual(info.Spec.process.args, ['/bin/true']);
  assert.ok(info.Spec.process.env.includes('X=y'));
  assert.equal((await containers('label', 'record', 'a=2', 'b=3')).code, 0);
  const labelled = JSON.parse((await containers('info', 'record')).stdout);
  assert.deepEqual(labelled.Labels, { a: '2', b: '3' });
  assert.equal(labelled.CreatedAt, info.CreatedAt);
  assert.ok(labelled.UpdatedAt > info.UpdatedAt, `${labelled.UpdatedAt} after ${info.UpdatedAt}`);
  assert.equal((await containers('rm', 'record')).code, 0);
  assert.equal((await containers('ls', '-q')).stdout, '');
});

test('ctr containers ls understands filters', async () => {
  await create('front-1', '--label', 'tier=front');
  await create('front-2', '--label', 'tier=front', '--label', 'zone=a');
  await create('back-1', '--label', 'tier=back');
  const ids = async (...filters: string[]) =>
    (await containers('ls', '-q', ...filters)).stdout.split('\n').slice(0, -1);
  assert.deepEqual(await ids('labels.tier==front'), ['front-1', 'front-2']);
  assert.deepEqual(await ids('labels.tier==front,labels.zone'), ['front-2']);
  assert.deepEqual(await ids('id~=-1$'), ['back-1', 'front-1']);
  assert.deepEqual(await ids('labels."tier"!=front'), ['back-1']);
  assert.deepEqual(await ids('id==back-1', 'id==front-1'), ['back-1', 'front-1']);
  const broken = await containers('ls', 'labels.tier==');
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /labels\.tier==.*invalid argument/);
  for (const id of ['front-1', 'front-2', 'back-1']) assert.equal((await containers('rm', id)).code, 0);
});

test('a container that is not there is not found, by name', async () => {
  for (const args of [
    ['info', 'ghost'],
    ['label', 'ghost', 'a=b'],
    ['rm', 'ghost'],
  ]) {
    const { stderr, code } = await containers(...args);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, /ghost.*not found/, args.join(' '));
  }
});

test('a record survives a restart of the daemon whole', async () => {
  await create('kept', '--label', 'a=1');
  const before = (await containers('info', 'kept')).stdout;
  await daemon().restart('SIGKILL');
  assert.equal((await containers('info', 'kept')).stdout, before);
  assert.equal((await containers('rm', 'kept')).code, 0);
});
