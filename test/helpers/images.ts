// Images in a daemon under test: made by hand, brought in by `ctr image import`, and taken away again.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { poll } from '../../src/base/deadline.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { listBlobs } from './content.js';
import type { TestDaemon } from './daemon.js';
import { type OciDescriptor, OciLayout } from './oci-layout.js';
import { Snapshots } from './snapshots.js';

/** Between two collections the collector rests for fifty times what the first took, which on a loaded machine is many seconds. */
export const collectLimitMs = 60_000;

/** Brings an image in under `name`, without unpacking it. */
export async function importImage(
  daemon: TestDaemon,
  name: string,
  make: (layout: OciLayout) => Promise<OciDescriptor>,
): Promise<OciDescriptor> {
  const directory = mkdtempSync(daemon.path('layout-'));
  const layout = await OciLayout.create(directory);
  const root = await make(layout);
  await layout.finish({ ...root, annotations: { 'io.containerd.image.name': name } });
  const archive = `${directory}.tar`;
  execFileSync('tar', ['--create', '--file', archive, '-C', directory, '.']);
  const { code, stderr } = await daemon.ctr(['image', 'import', '--no-unpack', '--all-platforms', archive]);
  assert.equal(code, 0, stderr);
  rmSync(directory, { recursive: true });
  rmSync(archive);
  return root;
}

/** A layer of these files; a name that ends with a slash is a directory. */
export function layerOf(daemon: TestDaemon, files: Readonly<Record<string, string>>, script = ''): Buffer {
  const directory = mkdtempSync(daemon.path('layer-'));
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(name.endsWith('/') ? path : join(path, '..'), { recursive: true });
    if (!name.endsWith('/')) writeFileSync(path, content);
  }
  if (script !== '') execFileSync('sh', ['-ec', script], { cwd: directory });
  const layer = tarOf(directory);
  rmSync(directory, { recursive: true });
  return layer;
}

/** A layer of the busybox root filesystem that every test daemon has. */
export function busyboxLayer(daemon: TestDaemon): Buffer {
  return tarOf(daemon.rootfs);
}

function tarOf(directory: string): Buffer {
  const flags = ['--create', '--sort=name', '--numeric-owner', '--xattrs', '--format=pax'];
  return execFileSync('tar', [...flags, '-C', directory, '.'], { maxBuffer: 1e9 });
}

/** Takes every image away, and sees that nothing that they alone kept is left. */
export async function removeImages(daemon: TestDaemon): Promise<void> {
  const { leases } = await daemon.call(LeasesService.list, { filters: [] });
  for (const { id } of leases) await daemon.call(LeasesService.delete, { id, sync: true });
  const { images } = await daemon.call(ImagesService.list, { filters: [] });
  for (const { name } of images) await daemon.call(ImagesService.delete, { name, sync: true, target: undefined });
  const left = async (): Promise<string[]> => [
    ...(await listBlobs(daemon)),
    ...(await new Snapshots(() => daemon).keys()),
    ...(await new Snapshots(() => daemon, 'native').keys()),
  ];
  const what = 'blobs and snapshots to be collected';
  const isEmpty = async () => (await left()).length === 0 || undefined;
  await poll(isEmpty, { limitMs: collectLimitMs, intervalMs: 50, what }).catch(() => undefined);
  assert.deepEqual(await left(), []);
}
