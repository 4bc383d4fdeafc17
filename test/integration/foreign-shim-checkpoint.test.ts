// Checkpoints of containers of the Go shim, and restores from them: real runc, real CRIU.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CheckpointOptions } from '../../src/generated/containerd/runc/v1/oci.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import {
  counted,
  counter,
  createTask,
  deleteTask,
  removeContainer,
  runContainer,
  startTask,
  waitForCount,
  waitForExit,
} from '../helpers/containers.js';
import { criuPath } from '../helpers/criu.js';
import { exitOf, goShim, topicsOf } from '../helpers/foreign.js';
import { Provenance } from '../../src/generated/berth/v1/provenance.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd({ config: `criu = "${criuPath()}"\n` });

test('a counter of the Go shim is checkpointed with exit, and goes on from its number when it is restored', async () => {
  // Without streams of its own: this shim dies of a `file://` for stdout alone.
  const file = join(daemon().rootfs, 'root/count');
  await writeFile(file, '');
  const command = ['/bin/sh', '-c', `exec > /root/count; ${counter.at(-1)}`];
  const imagePath = daemon().path('image');
  await runContainer(daemon(), 'counter', command, { runtime: goShim });
  await waitForCount(file, 3);
  const value = Buffer.from(
    CheckpointOptions.encode(CheckpointOptions.fromPartial({ exit: true, imagePath })).finish(),
  );
  const options = { typeUrl: 'containerd.runc.v1.CheckpointOptions', value };
  const request = { containerId: 'counter', parentCheckpoint: '', options };
  await daemon().call(TasksService.checkpoint, request, { limitMs: 60_000 });
  assert.equal(await waitForExit(daemon(), 'counter'), 137);
  await deleteTask(daemon(), 'counter');
  const stoppedAt = counted(file).length;
  assert.equal(await createTask(daemon(), 'counter', { options: { criuImagePath: imagePath } }), 0);
  assert.notEqual(await startTask(daemon(), 'counter'), 0);
  await waitForCount(file, stoppedAt + 3);
  await removeContainer(daemon(), 'counter');
  assert.equal((await exitOf(daemon(), 'counter')).provenance, Provenance.SHIM);
  const life = ['create', 'start', 'exit', 'delete'].map((name) => `/tasks/${name}`);
  const first = [...life.slice(0, 2), '/tasks/checkpointed', ...life.slice(2)];
  assert.deepEqual(await topicsOf(daemon(), 'counter'), [...first, ...life]);
});
