// Checkpoints as images: `ctr` stores them in the content store and restores from there, unmodified.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { ContentService } from '../../src/generated/containerd/services/content/v1/content.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { SnapshotsService } from '../../src/generated/containerd/services/snapshots/v1/snapshots.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import type { Descriptor } from '../../src/generated/containerd/types/descriptor.js';
import type { Mount } from '../../src/generated/containerd/types/mount.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import {
  counted,
  counter,
  deleteTask,
  removeContainer,
  runContainer,
  startTask,
  statusOf,
  waitForCount,
} from '../helpers/containers.js';
import { criuPath } from '../helpers/criu.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { runProgram } from '../helpers/program.js';
import { refusedWith } from '../helpers/refused.js';
import { useBerthd } from '../helpers/use-berthd.js';

const criuType = 'application/vnd.containerd.container.criu.checkpoint.criu.tar';

const daemon = useBerthd({ config: `criu = "${criuPath()}"\n` });

async function ctr(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().ctr(args);
  assert.equal(code, 0, `ctr ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function createFrom(
  id: string,
  checkpoint: Descriptor,
  { stdout = '', rootfs = [] }: { readonly stdout?: string; readonly rootfs?: Mount[] } = {},
): Promise<number> {
  const streams = { stdin: '', stdout, stderr: '', terminal: false };
  const request = { containerId: id, rootfs, ...streams, checkpoint, options: undefined, runtimePath: '' };
  return (await daemon().call(TasksService.create, request)).pid;
}

/** Nothing that a dump or a restore needed on its way is left. */
function scratch(): string[] {
  const root = `${daemon().root}/checkpoints`;
  return existsSync(root) ? readdirSync(root).filter((name) => name.startsWith('.')) : [];
}

test('a checkpoint goes to the content store under a lease, and a task is created from its descriptor', async () => {
  const file = daemon().path('count');
  await runContainer(daemon(), 'stored', counter, { stdout: `file://${file}` });
  await waitForCount(file, 3);
  await daemon().call(LeasesService.create, { id: 'holds', labels: {} });
  const request = { containerId: 'stored', parentCheckpoint: '', options: undefined };
  const { descriptors } = await daemon().call(TasksService.checkpoint, request, { lease: 'holds' });
  const [image, spec] = descriptors;
  assert.ok(image !== undefined && spec !== undefined);
  assert.equal(image.mediaType, criuType);
  assert.equal(spec.mediaType, 'application/vnd.containerd.container.checkpoint.config.v1+proto');
  for (const { digest, size } of descriptors) {
    const { info } = await daemon().call(ContentService.info, { digest });
    assert.equal(info?.size, size);
  }
  assert.deepEqual(scratch(), []);
  await waitForCount(file, counted(file).length + 3);
  await daemon().call(TasksService.kill, { containerId: 'stored', execId: '', signal: 9, all: false });
  await daemon().call(TasksService.wait, { containerId: 'stored', execId: '' });
  await deleteTask(daemon(), 'stored');
  const copy = daemon().path('copy');
  assert.equal(await createFrom('stored', image, { stdout: `file://${copy}` }), 0);
  assert.ok((await startTask(daemon(), 'stored')) > 0);
  const first = await poll(async () => (await readFile(copy, 'utf8')).split('\n').at(-2), {
    limitMs: 5_000,
    intervalMs: 10,
    what: 'a number',
  });
  assert.ok(Number(first) >= 3, first);
  assert.ok(!existsSync(`${daemon().state}/tasks/${daemon().namespace}/stored/checkpoint`));
  await removeContainer(daemon(), 'stored');
  await daemon().call(LeasesService.delete, { id: 'holds', sync: true });
});

test('a descriptor of something else, or of nothing, is refused', async () => {
  await runContainer(daemon(), 'wrong', ['/bin/true']);
  await daemon().call(TasksService.wait, { containerId: 'wrong', execId: '' });
  await deleteTask(daemon(), 'wrong');
  const digest = `sha256:${'0'.repeat(64)}`;
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: 1n, annotations: {} };
  await assert.rejects(createFrom('wrong', layer), refusedWith(status.INVALID_ARGUMENT, /checkpoint type/));
  const missing = { ...layer, mediaType: criuType };
  await assert.rejects(createFrom('wrong', missing), refusedWith(status.NOT_FOUND, /not found/));
  await removeContainer(daemon(), 'wrong');
});

test('ctr checkpoints a task into an image, a container with its files, and restores it live', async () => {
  await importBusybox('docker.io/library/busybox:latest');
  await ctr('run', '-d', 'docker.io/library/busybox:latest', 'imaged', 'sh', '-c', 'echo kept > /file; sleep 1000');
  await poll(() => findFile('imaged'), { limitMs: 5_000, intervalMs: 50, what: 'the file in the container' });
  const checkpoint = await checkpointOf((await ctr('tasks', 'checkpoint', 'imaged')).trim());
  assert.equal(await statusOf(daemon(), 'imaged'), Status.RUNNING);
  await ctr('containers', 'checkpoint', '--task', '--rw', '--image', 'imaged', 'checkpoint.local/imaged:1');
  await ctr('tasks', 'kill', '-s', 'SIGKILL', 'imaged');
  await daemon().call(TasksService.wait, { containerId: 'imaged', execId: '' });
  await daemon().ctr(['tasks', 'rm', 'imaged']);
  // What `ctr tasks checkpoint` made is enough for a task on the same files.
  const { mounts } = await daemon().call(SnapshotsService.mounts, { snapshotter: 'overlayfs', key: 'imaged' });
  assert.equal(await createFrom('imaged', checkpoint, { rootfs: mounts }), 0);
  assert.ok((await startTask(daemon(), 'imaged')) > 0);
  assert.equal(await ctr('tasks', 'exec', '--exec-id', 'e0', 'imaged', 'cat', '/file'), 'kept\n');
  await daemon().call(TasksService.kill, { containerId: 'imaged', execId: '', signal: 9, all: false });
  await daemon().call(TasksService.wait, { containerId: 'imaged', execId: '' });
  await deleteTask(daemon(), 'imaged');
  await ctr('containers', 'rm', 'imaged');
  await ctr('containers', 'restore', '--live', '--rw', 'imaged', 'checkpoint.local/imaged:1');
  assert.equal(await statusOf(daemon(), 'imaged'), Status.RUNNING);
  assert.equal(await ctr('tasks', 'exec', '--exec-id', 'e1', 'imaged', 'cat', '/file'), 'kept\n');
  await ctr('tasks', 'kill', '-s', 'SIGKILL', 'imaged');
  await daemon().call(TasksService.wait, { containerId: 'imaged', execId: '' });
  await daemon().ctr(['tasks', 'rm', 'imaged']);
  await ctr('containers', 'rm', 'imaged');
  const { images } = await daemon().call(ImagesService.list, { filters: [] });
  for (const { name } of images) await daemon().call(ImagesService.delete, { name, sync: true, target: undefined });
  await ctr('snapshots', 'ls');
});

/** What criu wrote, of the image that `ctr tasks checkpoint` said it made. */
async function checkpointOf(name: string): Promise<Descriptor> {
  assert.match(name, /^containerd\.io\/checkpoint\/imaged:/);
  const row = (await ctr('image', 'ls')).split('\n').find((line) => line.startsWith(`${name} `));
  assert.match(row ?? '', /application\/vnd\.oci\.image\.index\.v1\+json +sha256:/);
  const { image } = await daemon().call(ImagesService.get, { name });
  const index: OciIndex = JSON.parse(await ctr('content', 'get', image?.target?.digest ?? ''));
  const found = index.manifests.find(({ mediaType }) => mediaType === criuType);
  assert.ok(found !== undefined, JSON.stringify(index));
  const { info } = await daemon().call(ContentService.info, { digest: found.digest });
  assert.equal(info?.size, BigInt(found.size));
  return { ...found, size: BigInt(found.size), annotations: {} };
}

interface OciIndex {
  readonly manifests: readonly { readonly mediaType: string; readonly digest: string; readonly size: number }[];
}

async function findFile(id: string): Promise<true | undefined> {
  const { code } = await daemon().ctr(['tasks', 'exec', '--exec-id', 'look', id, 'test', '-e', '/file']);
  return code === 0 || undefined;
}

async function importBusybox(name: string): Promise<void> {
  const directory = daemon().path('layout');
  await mkdir(directory);
  const layout = await OciLayout.create(directory);
  const tar = await runProgram('tar', ['--create', '--directory', daemon().rootfs, '.']);
  const image = await layout.image([tar.stdoutBytes], process.arch === 'x64' ? 'amd64' : process.arch);
  await layout.finish({ ...image, annotations: { 'io.containerd.image.name': name } });
  const archive = daemon().path('image.tar');
  await runProgram('tar', ['--create', '--file', archive, '--directory', directory, '.']);
  await ctr('image', 'import', archive);
}
