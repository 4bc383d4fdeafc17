// The directories in a directory. A link is none of them, and leads to what is somebody else's.
import { readdir } from 'node:fs/promises';

/** Their names; none where `path` cannot be read. */
export async function directoriesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
