// Update: resources as OCI LinuxResources, seen in the cgroup's files; what cannot be is refused in runc's words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { cgroupFile, removeContainer, runContainer, statusOf } from '../helpers/containers.js';
import { refusedWith } from '../helpers/refused.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();
const { INVALID_ARGUMENT, FAILED_PRECONDITION } = status;
const mebibyte = 1024 * 1024;

async function update(id: string, resources: unknown): Promise<void> {
  const value = Buffer.from(typeof resources === 'string' ? resources : JSON.stringify(resources));
  const typeUrl = 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources';
  await daemon().call(TasksService.update, { containerId: id, resources: { typeUrl, value }, annotations: {} });
}

test('memory, processor, pids and cpuset limits arrive in the cgroup, and others stay as they were', async () => {
  await runContainer(daemon(), 'limits', ['/bin/sleep', '1000']);
  const read = (controller: string, file: string) => cgroupFile(daemon(), 'limits', controller, file);
  await update('limits', {
    memory: { limit: 64 * mebibyte },
    cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: '0' },
    pids: { limit: 77 },
  });
  assert.equal(read('memory', 'memory.limit_in_bytes'), String(64 * mebibyte));
  assert.equal(read('cpu', 'cpu.shares'), '512');
  assert.equal(read('cpu', 'cpu.cfs_quota_us'), '50000');
  assert.equal(read('cpuset', 'cpuset.cpus'), '0');
  assert.equal(read('pids', 'pids.max'), '77');
  await update('limits', { memory: { limit: 32 * mebibyte } });
  assert.equal(read('memory', 'memory.limit_in_bytes'), String(32 * mebibyte));
  assert.equal(read('pids', 'pids.max'), '77');
  await removeContainer(daemon(), 'limits');
});

test('a paused container is updated and stays paused', async () => {
  await runContainer(daemon(), 'frozen', ['/bin/sleep', '1000']);
  await daemon().call(TasksService.pause, { containerId: 'frozen' });
  await update('frozen', { pids: { limit: 33 } });
  assert.equal(cgroupFile(daemon(), 'frozen', 'pids', 'pids.max'), '33');
  assert.equal(cgroupFile(daemon(), 'frozen', 'freezer', 'freezer.state'), 'FROZEN');
  assert.equal(await statusOf(daemon(), 'frozen'), Status.PAUSED);
  await removeContainer(daemon(), 'frozen');
});

test('resources that are no JSON, of a wrong type or that the kernel refuses are invalid, with the reason', async () => {
  await runContainer(daemon(), 'invalid', ['/bin/sleep', '1000']);
  await assert.rejects(update('invalid', '{memory'), refusedWith(INVALID_ARGUMENT, /not JSON/));
  await assert.rejects(update('invalid', '[]'), refusedWith(INVALID_ARGUMENT, /not a JSON object/));
  const wrongType = update('invalid', { memory: { limit: 'much' } });
  await assert.rejects(wrongType, refusedWith(INVALID_ARGUMENT, /cannot unmarshal string/));
  const noSuchCpu = update('invalid', { cpu: { cpus: '999' } });
  await assert.rejects(noSuchCpu, refusedWith(INVALID_ARGUMENT, /cpuset\.cpus/));
  assert.equal(await statusOf(daemon(), 'invalid'), Status.RUNNING);
  await removeContainer(daemon(), 'invalid');
});

test('a task that has ended is not updated', async () => {
  await runContainer(daemon(), 'ended', ['/bin/true']);
  await daemon().call(TasksService.wait, { containerId: 'ended', execId: '' });
  await assert.rejects(update('ended', {}), refusedWith(FAILED_PRECONDITION, /stopped/));
  await removeContainer(daemon(), 'ended');
});
