// Makes a directory with its parents. Node's own `recursive` does not end where a file system answers ENOENT although
// the parent is there, as /proc does, and says ENOENT where the file system is read-only.
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Returns the first directory that it made; undefined where all were there. Throws as mkdir does. */
export function makeDirectory(path: string, mode: number): string | undefined {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return undefined;
  const parent = dirname(path);
  const made = parent === path ? undefined : makeDirectory(parent, mode);
  mkdirSync(path, { mode });
  return made ?? path;
}
