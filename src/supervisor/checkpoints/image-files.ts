// The files of a checkpoint's image, each with its size and digest.
import { createHash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { syncDirectory } from '../../base/atomic-file.js';
import type { CheckpointFile } from '../../domain/checkpoint-record.js';
import { imagePath } from './checkpoint-directory.js';

/** Bytes read at a time. */
const chunkBytes = 1024 * 1024;

/** Digests every file of the image in the checkpoint's directory; with `sync` they are also on the disk afterwards. */
export async function digestImage(directory: string, options: { readonly sync: boolean }): Promise<CheckpointFile[]> {
  const image = imagePath(directory);
  const files: CheckpointFile[] = [];
  for (const name of await fileNames(image)) {
    files.push(await digestFile(directory, join(image, name), options.sync));
  }
  if (options.sync) await syncDirectory(image);
  return files;
}

/** Whether a file is there with the size on record: quick, and enough to keep a restore from beginning in vain. */
export async function isInPlace(directory: string, { path, size }: CheckpointFile): Promise<boolean> {
  const found = await stat(join(directory, path), { bigint: true }).catch(() => undefined);
  return found?.size === size;
}

/** CRIU writes no directories; its link to a parent's image is no file of this one. */
async function fileNames(image: string): Promise<string[]> {
  const entries = await readdir(image, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
}

async function digestFile(directory: string, path: string, sync: boolean): Promise<CheckpointFile> {
  const file = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafe(chunkBytes);
    let size = 0;
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunkBytes, null);
      if (bytesRead === 0) break;
      hash.update(chunk.subarray(0, bytesRead));
      size += bytesRead;
    }
    if (sync) await file.sync();
    return { path: relative(directory, path), digest: `sha256:${hash.digest('hex')}`, size: BigInt(size) };
  } finally {
    await file.close();
  }
}
