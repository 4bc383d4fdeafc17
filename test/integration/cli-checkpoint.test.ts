// berth pause, resume, update and checkpoint, as users type them.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { test } from 'node:test';
import { cgroupFile, counted, counter, waitForCount } from '../helpers/containers.js';
import { criuPath } from '../helpers/criu.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd({ config: `criu = "${criuPath()}"\n` });

async function berth(...args: string[]) {
  return await daemon().berth(args);
}

async function succeed(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await berth(...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function start(id: string, ...command: string[]): Promise<string> {
  const log = daemon().path(`${id}.log`);
  await succeed('run', '-d', '--net-host', '--log-uri', log, '--rootfs', daemon().rootfs, id, ...command);
  return log;
}

test('pause and resume print the ids, and ps shows it', async () => {
  await start('pausing', 'sleep', '1000');
  assert.equal(await succeed('pause', 'pausing'), 'pausing\n');
  assert.match(await succeed('ps'), /^pausing .* paused /m);
  const twice = await berth('pause', 'pausing', 'nobody');
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /paused.*nobody.*not found/s);
  assert.equal(await succeed('resume', 'pausing'), 'pausing\n');
  assert.match(await succeed('ps'), /^pausing .* running /m);
  await succeed('rm', '-f', 'pausing');
});

test('update changes the limits that are named', async () => {
  await start('updated', 'sleep', '1000');
  await succeed('update', '--memory', '64m', '--cpus', '0.5', '--pids-limit', '50', 'updated');
  assert.equal(cgroupFile(daemon(), 'updated', 'memory', 'memory.limit_in_bytes'), String(64 * 1024 * 1024));
  assert.equal(cgroupFile(daemon(), 'updated', 'cpu', 'cpu.cfs_quota_us'), '50000');
  assert.equal(cgroupFile(daemon(), 'updated', 'pids', 'pids.max'), '50');
  const refused = await berth('update', '--cpuset-cpus', '999', 'updated');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /cpuset\.cpus/);
  assert.match((await berth('update', 'updated')).stderr, /nothing to update/);
  await succeed('rm', '-f', 'updated');
});

test('a checkpoint is created, listed, inspected, verified, restored into a new container and removed', async () => {
  const log = await start('counter', ...counter);
  await waitForCount(log, 3);
  assert.equal(await succeed('checkpoint', 'create', 'counter', 'first'), 'first\n');
  assert.match(
    await succeed('checkpoint', 'ls'),
    /^NAME +CONTAINER +AGE +SIZE +LEFT +PARENT\nfirst +counter +\d+s +[\d.]+KiB +running +-?\n$/,
  );
  assert.equal(await succeed('checkpoint', 'ls', '-q', '--filter', 'container_id==counter'), 'first\n');
  const [inspected] = JSON.parse(await succeed('checkpoint', 'inspect', 'first')) as { imagePath: string }[];
  assert.ok(inspected !== undefined && inspected.imagePath.startsWith(daemon().root));
  assert.equal(await succeed('checkpoint', 'verify', 'first'), 'first: ok\n');
  await waitForCount(log, counted(log).length + 3);
  const copy = daemon().path('copy.log');
  assert.equal(await succeed('checkpoint', 'restore', '--log-uri', copy, 'first', 'copy'), 'copy\n');
  assert.match(await succeed('ps'), /^copy .* running /m);
  await succeed('rm', '-f', 'counter', 'copy');
  appendFileSync(`${inspected.imagePath}/core-1.img`, 'x');
  const damaged = await berth('checkpoint', 'verify', 'first');
  assert.equal(damaged.code, 1);
  assert.match(damaged.stdout, /^first: image\/core-1\.img is changed/);
  const refused = await berth('checkpoint', 'restore', 'first');
  assert.match(refused.stderr, /damaged: image\/core-1\.img/);
  assert.equal(await succeed('checkpoint', 'rm', 'first'), 'first\n');
  assert.match((await berth('checkpoint', 'rm', 'first')).stderr, /first.*not found/);
});
