// An image of many small files, as language runtimes have them, in three layers; and a registry that holds it.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OciLayout } from '../helpers/oci-layout.js';
import { Registry } from '../helpers/registry.js';
import { makeBusyboxRootfs } from '../helpers/rootfs.js';
import { runQuickly } from './run-quickly.js';

const layers = 3;
const filesPerDirectory = 100;
/** Sizes from 1 KiB to 19 KiB, 10 KiB on average. */
const meanKibibytes = 10;

export interface ManyFilesImage {
  /** What `ctr image pull` is given. */
  readonly reference: string;
  readonly files: number;
  readonly mebibytes: number;
}

/** Gives `work` a registry with the image in it, and takes both away again. */
export async function withManyFilesImage<T>(
  mebibytes: number,
  work: (image: ManyFilesImage) => Promise<T>,
): Promise<T> {
  return await withRegistry(async (registry, directory) => {
    const files = Math.round((mebibytes * 1024) / meanKibibytes);
    const tars: Buffer[] = [];
    for (let layer = 0; layer < layers; layer++) tars.push(await tarOf(directory, layer, Math.ceil(files / layers)));
    const reference = await push(registry, directory, tars, 'bench/files:1');
    return await work({ reference, files, mebibytes });
  });
}

/** The same with a userland of busybox. */
export async function withBusyboxImage<T>(work: (reference: string) => Promise<T>): Promise<T> {
  return await withRegistry(async (registry, directory) => {
    const rootfs = join(directory, 'rootfs');
    await makeBusyboxRootfs(rootfs);
    const tar = await packed(directory, rootfs, 'busybox.tar');
    return await work(await push(registry, directory, [tar], 'bench/busybox:1'));
  });
}

async function withRegistry<T>(work: (registry: Registry, directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'berth-bench-image-'));
  const removeDirectory = (): void => rmSync(directory, { recursive: true, force: true });
  process.once('exit', removeDirectory);
  try {
    const registry = await Registry.start();
    try {
      return await work(registry, directory);
    } finally {
      await registry.stop();
    }
  } finally {
    removeDirectory();
    process.off('exit', removeDirectory);
  }
}

async function push(registry: Registry, directory: string, tars: readonly Buffer[], name: string): Promise<string> {
  const path = join(directory, 'layout');
  const layout = await OciLayout.create(path);
  await layout.finish(await layout.image(tars, 'amd64', { Cmd: ['/bin/true'], Env: ['PATH=/bin'] }));
  await registry.push(path, name);
  return registry.reference(name);
}

async function tarOf(directory: string, layer: number, files: number): Promise<Buffer> {
  const tree = join(directory, `layer-${layer}`);
  for (let index = 0; index < files; index++) {
    const parent = join(tree, `usr/lib/layer-${layer}/${Math.floor(index / filesPerDirectory)}`);
    if (index % filesPerDirectory === 0) mkdirSync(parent, { recursive: true });
    writeFileSync(join(parent, `module-${index}.js`), contentOf(layer, index));
  }
  const tar = await packed(directory, tree, `layer-${layer}.tar`);
  rmSync(tree, { recursive: true });
  return tar;
}

/** Text that compresses about as source code does. */
function contentOf(layer: number, index: number): string {
  const kibibytes = 1 + (index % (2 * meanKibibytes - 1));
  const seed = createHash('sha256').update(`${layer}/${index}`).digest('hex');
  const line = (row: number) => `export const ${seed.slice(row % 48, (row % 48) + 12)} = ${row};\n`;
  let text = '';
  for (let row = 0; text.length < kibibytes * 1024; row++) text += line(row);
  return text.slice(0, kibibytes * 1024);
}

async function packed(directory: string, tree: string, name: string): Promise<Buffer> {
  const file = join(directory, name);
  await runQuickly('tar', [
    '--create',
    '--file',
    file,
    '--directory',
    tree,
    '--owner=0',
    '--group=0',
    '--sort=name',
    '.',
  ]);
  const tar = await readFile(file);
  rmSync(file);
  return tar;
}
