// `ctr version`, `ctr plugins` and `ctr namespaces` against the daemon.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

test('ctr version shows the server and the same UUID after a restart', async () => {
  const uuid = async () => {
    const { stdout, stderr, code } = await daemon().ctr(['version']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Server:\n {2}Version: +\S+/);
    return /UUID: ([0-9a-f-]{36})\n/.exec(stdout)?.[1] ?? assert.fail(`no UUID in ${stdout}`);
  };
  const before = await uuid();
  await daemon().restart();
  assert.equal(await uuid(), before);
});

test('ctr plugins ls lists plugins', async () => {
  const { stdout, code } = await daemon().ctr(['plugins', 'ls']);
  assert.equal(code, 0);
  assert.match(stdout, /^TYPE +ID +PLATFORMS +STATUS/);
  assert.match(stdout, /io\.containerd\.grpc\.v1 +tasks/);
});

test('ctr namespaces creates, lists, labels and removes', async () => {
  const name = `${daemon().namespace}-made`;
  const namespaces = async (...args: string[]) => await daemon().ctr(['namespaces', ...args]);
  assert.equal((await namespaces('create', name, 'team=blue')).code, 0);
  assert.match((await namespaces('list')).stdout, new RegExp(`^${name} +team=blue *$`, 'm'));
  assert.equal((await namespaces('label', name, 'team=red', 'tier=1')).code, 0);
  assert.match((await namespaces('list')).stdout, new RegExp(`^${name} +(team=red,tier=1|tier=1,team=red) *$`, 'm'));
  assert.equal((await namespaces('label', name, 'tier=')).code, 0);
  assert.match((await namespaces('list')).stdout, new RegExp(`^${name} +team=red *$`, 'm'));
  assert.equal((await namespaces('remove', name)).code, 0);
  assert.doesNotMatch((await namespaces('list', '-q')).stdout, new RegExp(name));
});

test('ctr namespaces says what is wrong with a name', async () => {
  const name = `${daemon().namespace}-twice`;
  const namespaces = async (...args: string[]) => await daemon().ctr(['namespaces', ...args]);
  await namespaces('create', name);
  const again = await namespaces('create', name);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /already exists/);
  assert.equal((await namespaces('remove', name)).code, 0);
  assert.match((await namespaces('create', '../etc')).stderr, /invalid argument/);
});

test('a namespace that still has a container is not removed', async () => {
  const { namespace, rootfs } = daemon();
  await daemon().ctr(['containers', 'create', '--rootfs', rootfs, 'kept', '/bin/true']);
  const refused = await daemon().ctr(['namespaces', 'remove', namespace]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /must be empty/);
  assert.match(refused.stderr, /failed precondition/);
  assert.match((await daemon().ctr(['namespaces', 'list', '-q'])).stdout, new RegExp(`^${namespace}$`, 'm'));
  assert.equal((await daemon().ctr(['containers', 'rm', 'kept'])).code, 0);
  assert.equal((await daemon().ctr(['namespaces', 'remove', namespace])).code, 0);
});
