// Images for pulls: pushed to a registry by skopeo, and taken away from the daemon again.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { poll } from '../../src/base/deadline.js';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { listBlobs } from './content.js';
import type { TestDaemon } from './daemon.js';
import { describeTree } from './file-tree.js';
import { collectLimitMs } from './images.js';
import { type OciDescriptor, OciLayout } from './oci-layout.js';
import type { Registry } from './registry.js';
import { mounted, Snapshots } from './snapshots.js';

export async function pushImage(
  daemon: TestDaemon,
  registry: Registry,
  name: string,
  make: (layout: OciLayout) => Promise<OciDescriptor>,
): Promise<OciDescriptor> {
  const directory = mkdtempSync(daemon.path('layout-'));
  const layout = await OciLayout.create(directory);
  const root = await make(layout);
  await layout.finish(root);
  await registry.push(directory, name);
  rmSync(directory, { recursive: true });
  return root;
}

/** The busybox root filesystem that every test daemon has, as a layer. */
export function rootfsLayer(daemon: TestDaemon): Buffer {
  return execFileSync('tar', ['--create', '--numeric-owner', '-C', daemon.rootfs, '.'], { maxBuffer: 1e9 });
}

export type Puller = 'berth' | 'ctr';

/** Pulls over plain HTTP by this command line, which may be given more arguments. */
export async function pullBy(
  how: Puller,
  daemon: TestDaemon,
  name: string,
  { args = [], limitMs }: { readonly args?: readonly string[]; readonly limitMs: number },
): Promise<void> {
  const { code, stderr } =
    how === 'ctr'
      ? await daemon.ctr(['image', 'pull', '--plain-http', ...args, name], { limitMs })
      : await daemon.berth(['pull', '--plain-http', '--quiet', ...args, name], { limitMs });
  assert.equal(code, 0, stderr);
}

/** What a container of the one image that is there would see. */
export async function pulledTree(daemon: TestDaemon): Promise<Map<string, string>> {
  const snapshots = new Snapshots(() => daemon);
  const all = await snapshots.list();
  const parents = new Set(all.map(({ parent }) => parent));
  const root = daemon.path('merged');
  mkdirSync(root, { recursive: true });
  const mounts = await snapshots.view('look', all.find(({ name }) => !parents.has(name))?.name);
  const tree = await mounted(mounts, root, () => describeTree(root));
  await snapshots.remove('look');
  return tree;
}

/** Takes all images and leases away; then nothing that they kept may be left. */
export async function removePulled(daemon: TestDaemon): Promise<void> {
  const { leases } = await daemon.call(LeasesService.list, { filters: [] });
  for (const { id } of leases) await daemon.call(LeasesService.delete, { id, sync: true });
  const { images } = await daemon.call(ImagesService.list, { filters: [] });
  for (const { name } of images) await daemon.call(ImagesService.delete, { name, sync: true, target: undefined });
  const left = async () => [...(await listBlobs(daemon)), ...(await new Snapshots(() => daemon).keys())];
  const isEmpty = async () => (await left()).length === 0 || undefined;
  const what = 'blobs and snapshots to be collected';
  await poll(isEmpty, { limitMs: collectLimitMs, intervalMs: 50, what }).catch(() => undefined);
  assert.deepEqual(await left(), []);
}

export async function assertClean(daemon: TestDaemon): Promise<void> {
  const find = async () => (await daemon.call(MaintenanceService.check, { repair: false })).findings;
  // The collection that has taken the records may still be at their files.
  const isClean = async () => (await find()).length === 0 || undefined;
  await poll(isClean, { limitMs: collectLimitMs, intervalMs: 50, what: 'a clean check' }).catch(() => undefined);
  assert.deepEqual(await find(), []);
}
