// The paths that a layer has brought so far, with the directories that lead to them.
import type { BytePath } from '../../../linux/byte-path.js';

export class UnpackedPaths {
  readonly #paths = new Set<BytePath>();

  add(path: BytePath): void {
    for (let at = path; at !== '' && !this.#paths.has(at); at = parentOf(at)) this.#paths.add(at);
  }

  has(path: BytePath): boolean {
    return this.#paths.has(path);
  }
}

export function pathIn(directory: BytePath, name: BytePath): BytePath {
  return directory === '' ? name : `${directory}/${name}`;
}

/** Empty for a name at the top. */
export function parentOf(path: BytePath): BytePath {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

export function nameOf(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf('/') + 1);
}
