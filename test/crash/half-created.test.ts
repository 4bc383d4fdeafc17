// A creation that comes to nothing, and a runtime that then fails to delete what it had made of it: the container is not
// forgotten, though the daemon goes on and nobody asks again.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { mountOn, unmountBelow } from '../../src/linux/mount.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { createContainer, createTask, removeContainer, startTask } from '../helpers/containers.js';
import { Faults, faultyDaemon } from '../helpers/faults.js';
import { findMounts } from '../helpers/host-state.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd(faultyDaemon);

const forEver = ['/bin/sh', '-c', 'while :; do sleep 1; done'];
const limitMs = 30_000;

test('what the runtime made and failed to delete is removed after all, without another call', async () => {
  await createContainer(daemon(), 'undone', forEver);
  const faults = new Faults(daemon());
  faults.armPoint('shim.process-made');
  faults.armRuntime('delete', 'fail');
  await assert.rejects(createTask(daemon(), 'undone'));
  assert.ok(!faults.isRuntimeArmed('delete'), 'nobody has tried to delete the container');
  await nothingLeft('undone');
  await daemon().call(ContainersService.delete, { id: 'undone' });
});

test('what the runtime made and failed to delete does not keep the name taken', async () => {
  await createContainer(daemon(), 'again', forEver);
  const faults = new Faults(daemon());
  faults.armPoint('shim.process-made');
  faults.armRuntime('delete', 'fail');
  await assert.rejects(createTask(daemon(), 'again'));
  await createTask(daemon(), 'again');
  await daemon().call(TasksService.delete, { containerId: 'again' });
  await daemon().call(ContainersService.delete, { id: 'again' });
});

test('a client that gave up its creation and calls again gets the container that came of it', async () => {
  await createContainer(daemon(), 'patient', forEver);
  const faults = new Faults(daemon());
  faults.armRuntime('create', 'delay 4');
  const request = { containerId: 'patient', rootfs: [], stdin: '', stdout: '', stderr: '', terminal: false };
  const create = async (withinMs: number): Promise<status | undefined> => {
    const fields = { ...request, checkpoint: undefined, options: undefined, runtimePath: '' };
    return await daemon()
      .call(TasksService.create, fields, { limitMs: withinMs })
      .then(
        () => undefined,
        ({ code }: { code: status }) => code,
      );
  };
  assert.equal(await create(2000), status.DEADLINE_EXCEEDED);
  // Waits for what is under way.
  const again = await create(limitMs);
  assert.ok(again === undefined || again === status.ALREADY_EXISTS, String(again));
  await startTask(daemon(), 'patient');
  await removeContainer(daemon(), 'patient');
});

test('a removal that fails at the start of the daemon is tried again', async () => {
  await createContainer(daemon(), 'cut', forEver);
  const faults = new Faults(daemon());
  faults.armPoint('create.init-made');
  const creation = createTask(daemon(), 'cut').catch(() => undefined);
  await daemon().died();
  await creation;
  assert.ok(existsSync(stateOf('cut')), 'the runtime has made the container');
  faults.armRuntime('delete', 'fail');
  await daemon().start();
  await nothingLeft('cut');
  assert.ok(!faults.isRuntimeArmed('delete'), 'nobody has tried to delete the container');
  await daemon().call(ContainersService.delete, { id: 'cut' });
});

test('a bundle that no record owns goes at the next start, with the mount in it', async () => {
  const bundle = join(daemon().state, 'tasks', daemon().namespace, 'left');
  mkdirSync(join(bundle, 'rootfs'), { recursive: true });
  mountOn({ type: 'tmpfs', source: 'tmpfs', target: '', options: [] }, join(bundle, 'rootfs'));
  await daemon().restart('SIGKILL');
  await poll(() => !existsSync(bundle) || undefined, { limitMs, intervalMs: 20, what: 'the removal of the bundle' });
  assert.deepEqual(findMounts(daemon()), []);
  await assertCheckClean(daemon());
});

test('a bundle that was not emptied in time goes at the next start, and one that cannot go keeps no daemon from starting', async () => {
  const doomed = (id: string) => join(daemon().state, 'tasks', daemon().namespace, `.removed-1-${id}`);
  for (const id of ['late', 'busy']) mkdirSync(join(doomed(id), 'rootfs'), { recursive: true });
  const busy = join(doomed('busy'), 'rootfs');
  mountOn({ type: 'tmpfs', source: 'tmpfs', target: '', options: [] }, busy);
  await daemon().restart('SIGKILL');
  assert.ok(!existsSync(doomed('late')));
  assert.match(daemon().log, /a bundle could not be removed: left to the next start .*removed-1-busy/);
  unmountBelow(busy);
  await daemon().restart();
  assert.ok(!existsSync(doomed('busy')));
  await assertCheckClean(daemon());
});

function stateOf(id: string): string {
  return join(daemon().state, 'runc', daemon().namespace, id);
}

async function nothingLeft(id: string): Promise<void> {
  const isGone = () => !existsSync(stateOf(id)) || undefined;
  await poll(isGone, { limitMs, intervalMs: 20, what: `the deletion of ${id} by the runtime` });
  await assertCheckClean(daemon());
}
