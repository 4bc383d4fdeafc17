// Checkpoints under the real containerd with Berth's shim: the dump goes into containerd's content store, and from there
// into a container that goes on.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { statusOf } from '../helpers/containers.js';
import { criuPath } from '../helpers/criu.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { runProgram } from '../helpers/program.js';
import { berthRuntime, useContainerd } from '../helpers/use-containerd.js';

const daemon = useContainerd([dirname(criuPath())]);
const image = 'docker.io/library/busybox:latest';

async function ctr(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().ctr(args);
  assert.equal(code, 0, `ctr ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function importBusybox(): Promise<void> {
  const directory = daemon().path('layout');
  await mkdir(directory);
  const layout = await OciLayout.create(directory);
  const tar = await runProgram('tar', ['--create', '--directory', daemon().rootfs, '.']);
  const descriptor = await layout.image([tar.stdoutBytes], process.arch === 'x64' ? 'amd64' : process.arch);
  await layout.finish({ ...descriptor, annotations: { 'io.containerd.image.name': image } });
  const archive = daemon().path('image.tar');
  await runProgram('tar', ['--create', '--file', archive, '--directory', directory, '.']);
  await ctr('image', 'import', '--snapshotter', 'native', archive);
}

async function remove(): Promise<void> {
  await ctr('tasks', 'kill', '-s', 'SIGKILL', 'counted');
  await daemon().call(TasksService.wait, { containerId: 'counted', execId: '' });
  await daemon().ctr(['tasks', 'rm', 'counted']);
  await ctr('containers', 'rm', 'counted');
}

test('ctr checkpoints a container that Berth runs, and restores it live', async () => {
  await importBusybox();
  const script = 'echo kept > /file; sleep 1000';
  await ctr(
    ...['run', '-d', '--snapshotter', 'native', '--runtime', berthRuntime, image, 'counted', 'sh', '-c', script],
  );
  const look = async () =>
    (await daemon().ctr(['tasks', 'exec', '--exec-id', 'look', 'counted', 'cat', '/file'])).stdout;
  await poll(async () => (await look()) === 'kept\n' || undefined, {
    limitMs: 5_000,
    intervalMs: 50,
    what: 'the file',
  });
  await ctr('containers', 'checkpoint', '--task', '--rw', '--image', 'counted', 'checkpoint.local/counted:1');
  assert.equal(await statusOf(daemon(), 'counted'), Status.RUNNING);
  await remove();
  await ctr('containers', 'restore', '--live', '--rw', 'counted', 'checkpoint.local/counted:1');
  assert.equal(await statusOf(daemon(), 'counted'), Status.RUNNING);
  assert.equal(await look(), 'kept\n');
  await remove();
  const { images } = await daemon().call(ImagesService.list, { filters: [] });
  for (const { name } of images) await daemon().call(ImagesService.delete, { name, sync: true, target: undefined });
});
