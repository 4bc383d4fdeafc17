// Options of an overlay mount that do not fit the one page that the kernel copies: lower directories are named from their
// common parent, which mount(2) is then called in. Pure.
import { posix } from 'node:path';

export interface CompactOptions {
  /** The directory that the lower directories are named from. */
  readonly directory: string;
  readonly options: readonly string[];
}

const lowerPrefix = 'lowerdir=';

/** Undefined where the lower directories have no parent in common but the root. */
export function compactLowerDirectories(options: readonly string[]): CompactOptions | undefined {
  const lowers = lowerDirectories(options);
  if (!lowers.every((path) => path.startsWith('/'))) return undefined;
  const directory = commonParent(lowers);
  if (directory === '/') return undefined;
  const relative = lowers.map((path) => path.slice(directory.length + 1));
  const compact = options.map((option) =>
    option.startsWith(lowerPrefix) ? `${lowerPrefix}${relative.join(':')}` : option,
  );
  return { directory, options: compact };
}

/** Top first, as the kernel has them; none where there is no such option. */
export function lowerDirectories(options: readonly string[]): string[] {
  const option = options.find((candidate) => candidate.startsWith(lowerPrefix));
  return option === undefined ? [] : option.slice(lowerPrefix.length).split(':');
}

function commonParent(paths: readonly string[]): string {
  let parent = posix.dirname(paths[0] ?? '/');
  while (parent !== '/' && !paths.every((path) => path.startsWith(`${parent}/`))) parent = posix.dirname(parent);
  return parent;
}
