// Directories that live and go with a snapshot, for what a container of it shall not write into its own layer: the
// volumes that an image declares. SNAPSHOT/volumes/N begins with what the image has at that path.
import { closeSync, constants } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bytePathFromText } from '../../linux/byte-path.js';
import { isSystemError } from '../../linux/libc.js';
import { openInRoot } from '../../linux/open-in-root.js';
import type { SnapshotRecord } from '../../domain/snapshot.js';
import type { DiskPool } from '../disk/disk-pool.js';
import type { SnapshotStorage } from './snapshot-storage.js';

/** Of one that the image has nothing for. */
const volumeMode = 0o755;

/** Makes one directory per path below `root`, an open directory, and returns them in the same order. */
export async function makeVolumes(
  { directories }: SnapshotStorage,
  pool: DiskPool,
  snapshot: Pick<SnapshotRecord, 'directory'>,
  { root, paths, signal }: { readonly root: number; readonly paths: readonly string[]; readonly signal: AbortSignal },
): Promise<string[]> {
  if (paths.length === 0) return [];
  const parent = join(directories.path(snapshot.directory), 'volumes');
  await mkdir(parent, { mode: 0o711 });
  const made: string[] = [];
  for (const [index, path] of paths.entries()) {
    const volume = join(parent, String(index));
    await mkdir(volume, { mode: volumeMode });
    made.push(volume);
    const source = openIfDirectory(root, path);
    if (source === undefined) continue;
    try {
      await pool.run('copy', { from: `/proc/self/fd/${source}`, to: volume }, { signal });
    } finally {
      closeSync(source);
    }
  }
  await directories.sync(snapshot.directory);
  return made;
}

function openIfDirectory(root: number, path: string): number | undefined {
  try {
    const inside = bytePathFromText(path.replace(/^\/+/, ''));
    return openInRoot(root, inside, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}
