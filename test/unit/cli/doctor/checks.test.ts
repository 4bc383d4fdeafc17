// What `berth doctor` makes of what it finds.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeCodeCache } from '../../../../src/base/code-cache.js';
import { availableControllers } from '../../../../src/cli/doctor/cgroup-checks.js';
import { checkCodeCaches } from '../../../../src/cli/doctor/code-cache-check.js';
import { launchFinding } from '../../../../src/cli/doctor/daemon-check.js';
import { checkVersion } from '../../../../src/cli/doctor/kernel-checks.js';
import { capabilityFinding } from '../../../../src/cli/doctor/permission-checks.js';
import { checkNode, checkRuntime } from '../../../../src/cli/doctor/program-checks.js';
import { capabilitiesFromMask } from '../../../../src/cli/spec/capabilities.js';

const all = capabilitiesFromMask(0x1ff_ffff_ffffn);

for (const [release, status] of [
  ['6.18.44-fc', 'OK'],
  ['5.4.0', 'OK'],
  ['5.3.18', 'FAIL'],
  ['4.19.0-27-amd64', 'FAIL'],
] as const) {
  test(`Linux ${release} is ${status}`, () => assert.equal(checkVersion(release).status, status));
}

for (const [version, status] of [
  ['v20.19.0', 'OK'],
  ['v22.1.0', 'OK'],
  ['v20.18.3', 'FAIL'],
  ['v18.20.0', 'FAIL'],
] as const) {
  test(`Node ${version} is ${status}`, () => assert.equal(checkNode(version)[0]?.status, status));
}

test('a code cache that another Node has made, or none, is warned of', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'code-caches-'));
  const source = Buffer.from('0');
  for (const name of ['berth', 'berthd']) {
    await mkdir(join(directory, name));
    await writeFile(join(directory, name, 'program.js'), source);
    writeCodeCache(join(directory, name, 'program.cache'), source, Buffer.from('code'));
  }
  assert.equal(checkCodeCaches(directory)[0]?.status, 'OK');
  await writeFile(join(directory, 'berthd/program.cache'), 'of another');
  const [finding] = checkCodeCaches(directory);
  assert.deepEqual([finding?.status, finding?.detail.endsWith('for berthd')], ['WARN', true]);
  await rm(directory, { recursive: true });
});

test('all capabilities are well, one that runc needs is missed, CAP_SYS_RESOURCE is only warned of', () => {
  assert.equal(capabilityFinding(all).status, 'OK');
  const noAdmin = capabilityFinding(all.filter((name) => name !== 'CAP_SYS_ADMIN'));
  assert.equal(noAdmin.status, 'FAIL');
  assert.match(noAdmin.detail, /missing: CAP_SYS_ADMIN$/);
  assert.equal(capabilityFinding(all.filter((name) => name !== 'CAP_SYS_RESOURCE')).status, 'WARN');
});

test('controllers are those of the v2 file, or of the v1 mounts', () => {
  assert.deepEqual(availableControllers('v2', [], 'cpu memory\n'), ['cpu', 'memory']);
  const mounts = [mount('cgroup', 'rw', 'memory'), mount('cgroup', 'rw', 'cpu', 'cpuacct'), mount('cgroup2', 'rw')];
  assert.deepEqual(availableControllers('hybrid', mounts, ''), ['cpu', 'memory']);
});

test('a runtime that is not there fails with how to get it', async () => {
  const [finding] = await checkRuntime('berth-no-such-runtime');
  assert.equal(finding?.status, 'FAIL');
  assert.match(finding?.advice ?? '', /apt-get install berth-no-such-runtime/);
});

test('a runtime that fails is told with its words', async () => {
  const [finding] = await checkRuntime('false');
  assert.equal(finding?.status, 'FAIL');
});

function mount(type: string, ...superOptions: string[]) {
  return { root: '/', mountPoint: '/x', type, superOptions };
}

test('a way of launching shims that fails, and a zygote that is gone, are warned of', () => {
  const forks = (failed: bigint) => ({ name: 'zygote', launched: 12n, failed });
  const spawns = { name: 'spawn', launched: 1n, failed: 0n };
  const zygote = { pid: 99, restarts: 0n, repeatedForks: 2n };
  assert.deepEqual(launchFinding({ rungs: [forks(0n), spawns], zygote }), {
    check: 'shim launches',
    status: 'OK',
    detail: '12 by zygote, 1 by spawn, zygote 99, 2 forks repeated',
  });
  assert.equal(launchFinding({ rungs: [forks(1n), spawns], zygote }).status, 'WARN');
  assert.equal(launchFinding({ rungs: [forks(0n), spawns], zygote: { ...zygote, pid: 0 } }).status, 'WARN');
  assert.equal(launchFinding({ rungs: [spawns], zygote: undefined }).status, 'OK');
});
