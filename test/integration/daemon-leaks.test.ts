// The check that runs after every test: that it sees what is left, says it, and takes it away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCgroups, findProcesses } from '../helpers/host-state.js';
import { startProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

/** What is left here on purpose does not go by itself. */
const soonMs = 100;

test('a container that a test leaves running is listed with its shim, cgroups and records, and removed', async () => {
  await daemon().ctr(['run', '-d', '--null-io', '--rootfs', daemon().rootfs, 'left', '/bin/sleep', '1000']);
  await assert.rejects(daemon().checkLeaks(soonMs), (error: Error) => {
    for (const expected of [/process \d+: \/bin\/sleep 1000/, /process \d+: .*shim/, /cgroup .*\/left/]) {
      assert.match(error.message, expected);
    }
    assert.match(error.message, /container record left\n {2}task record left/);
    assert.match(error.message, /in a task directory: .*left/);
    return true;
  });
  assert.deepEqual(findCgroups(daemon()), []);
  assert.ok(!findProcesses(daemon()).some(({ command }) => command.includes('sleep 1000')));
  await daemon().checkLeaks();
});

test('a client that a test leaves running is listed, and ended', async () => {
  const client = startProgram('sleep', ['1000'], { env: { LEFT_BY: daemon().directory } });
  await assert.rejects(daemon().checkLeaks(soonMs), /process \d+: sleep 1000/);
  assert.equal((await client.result()).code, 137);
});

test('a lease that a test leaves is listed, and removed', async () => {
  assert.equal((await daemon().ctr(['leases', 'create', '--id', 'forgotten'])).code, 0);
  await assert.rejects(daemon().checkLeaks(soonMs), /lease forgotten/);
  await daemon().checkLeaks();
});
