// A container deleted without runc: what a shim leaves that dies meanwhile is whole enough for runc to finish, and one whose
// state runc cannot read any more is deleted all the same.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { removeContainer, runContainer, waitForExit } from '../helpers/containers.js';
import { Faults, faultyDaemon } from '../helpers/faults.js';
import { hasEnded } from '../helpers/host-state.js';
import { useBerthd } from '../helpers/use-berthd.js';

// With the real runc, which alone is spared a call.
const daemon = useBerthd({ ...faultyDaemon, args: ['--shim-launch', 'auto'] });

test('a shim’s death between the cgroups and the state costs nothing', async () => {
  const faults = new Faults(daemon());
  await runContainer(daemon(), 'half', ['/bin/sh', '-c', 'exit 3']);
  assert.equal(await waitForExit(daemon(), 'half'), 3);
  faults.armPoint('shim.cgroups-removed');
  const { exitStatus } = await poll(
    () =>
      daemon()
        .call(TasksService.delete, { containerId: 'half' })
        .catch(() => undefined),
    { limitMs: 15_000, intervalMs: 50, what: 'the deletion to come to its end' },
  );
  assert.equal(exitStatus, 3);
  assert.ok(!faults.isArmed('shim.cgroups-removed'), 'nobody has passed the point');
  assert.deepEqual(readdirSync(`${daemon().state}/runc/${daemon().namespace}`), []);
  await assertCheckClean(daemon());
  await removeContainer(daemon(), 'half');
});

for (const served of [true, false]) {
  const by = served ? 'its shim' : 'the daemon, whose shim is gone,';
  test(`a container whose state the disk has lost is deleted by ${by} once it has ended, and not before`, async () => {
    await runContainer(daemon(), 'lost', ['/bin/sleep', '1000']);
    const state = join(daemon().state, 'runc', daemon().namespace, 'lost', 'state.json');
    truncateSync(state);
    await assert.rejects(daemon().call(TasksService.delete, { containerId: 'lost' }));
    await daemon().call(TasksService.kill, { containerId: 'lost', execId: '', signal: 9, all: false });
    assert.equal(await waitForExit(daemon(), 'lost'), 137);
    if (!served) {
      const file = join(daemon().state, 'tasks', daemon().namespace, 'lost', 'shim.pid');
      const shim = Number(readFileSync(file, 'utf8'));
      process.kill(shim, 'SIGKILL');
      await poll(() => hasEnded(shim) || undefined, { limitMs: 15_000, intervalMs: 20, what: 'the end of the shim' });
    }
    const { exitStatus } = await daemon().call(TasksService.delete, { containerId: 'lost' });
    assert.equal(exitStatus, 137);
    assert.ok(!existsSync(state));
    await assertCheckClean(daemon());
    await removeContainer(daemon(), 'lost');
  });
}
