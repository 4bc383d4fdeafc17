// A shim that dies while it deletes a container without runc: what it leaves is whole enough for runc to finish.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { removeContainer, runContainer, waitForExit } from '../helpers/containers.js';
import { Faults, faultyDaemon } from '../helpers/faults.js';
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
