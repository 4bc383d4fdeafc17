// `berth run -d`: nobody need read its output, somebody may attach later, and rm takes the streams away.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { fifoDirectories } from './cli-runs.js';

const daemon = useBerthd();

afterEach(() => assert.deepEqual(fifoDirectories(daemon()), []));

test('a detached container prints its id, runs on, and keeps its streams until it is removed', async () => {
  const { rootfs } = daemon();
  const script = 'yes | head -c 5000000; echo done > /tmp/done; exec sleep 1000';
  const { stdout, code } = await daemon().berth(['run', '-d', '--rootfs', rootfs, 'detached', 'sh', '-c', script]);
  assert.deepEqual({ stdout, code }, { stdout: 'detached\n', code: 0 });
  // Nobody reads, and yet it gets on.
  await poll(() => (existsSync(join(rootfs, 'tmp/done')) ? true : undefined), {
    limitMs: 15_000,
    intervalMs: 20,
    what: 'the container to have written all',
  });
  assert.equal(fifoDirectories(daemon()).length, 1);
  await daemon().berth(['rm', '-f', 'detached']);
  assert.deepEqual(fifoDirectories(daemon()), []);
});

test('ctr attaches to a container that berth detached', async () => {
  const { rootfs } = daemon();
  const script = 'read line; echo got $line; exit 4';
  await daemon().berth(['run', '-d', '-i', '--rootfs', rootfs, 'attached', 'sh', '-c', script]);
  const ctr = daemon().startCtr(['tasks', 'attach', 'attached'], { keepStdin: true, input: 'hello\n' });
  const { stdout, code } = await ctr.result();
  assert.deepEqual({ stdout, code }, { stdout: 'got hello\n', code: 4 });
  await daemon().berth(['rm', 'attached']);
});

test('the output of a detached container goes to a file where one is named', async () => {
  const log = daemon().path('detached.log');
  const options = ['--rootfs', daemon().rootfs, '--log-uri', log];
  await daemon().berth(['run', ...options, 'logged', 'sh', '-c', 'echo out; echo err >&2']);
  await poll(async () => ((await statusOf('logged')) === 'stopped' ? true : undefined), {
    limitMs: 10_000,
    intervalMs: 50,
    what: 'the container to end',
  });
  assert.deepEqual(readFileSync(log, 'utf8').split('\n').sort(), ['', 'err', 'out']);
  await daemon().berth(['rm', 'logged']);
});

async function statusOf(id: string): Promise<string | null | undefined> {
  const { stdout } = await daemon().berth(['ps', '-a', '-o', 'json']);
  return (JSON.parse(stdout) as { id: string; status: string | null }[]).find((row) => row.id === id)?.status;
}
