// Images for pulls: pushed to a registry by skopeo, pulled from it, and looked at.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { assertCheckClean } from './check-clean.js';
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

/** As `assertCheckClean`, where a collection may have to come first, and may still be at the files of records that it has taken. */
export async function assertClean(daemon: TestDaemon): Promise<void> {
  await assertCheckClean(daemon, collectLimitMs);
}
