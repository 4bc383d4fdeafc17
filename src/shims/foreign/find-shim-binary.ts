// The binary of a foreign shim, on PATH or where a path says.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { BerthError } from '../../domain/errors.js';
import type { ShimChoice } from '../../domain/runtime-name.js';

/** Throws `not-found` when there is no such program. */
export function findShimBinary(runtime: string, choice: Exclude<ShimChoice, { kind: 'own' }>, path: string): string {
  const candidates =
    choice.kind === 'path' ? [choice.path] : directoriesOf(path).map((directory) => join(directory, choice.binary));
  const found = candidates.find(isProgram);
  if (found !== undefined) return found;
  const sought = choice.kind === 'path' ? `no program at ${choice.path}` : `${choice.binary} is not on PATH`;
  throw new BerthError('not-found', `runtime ${JSON.stringify(runtime)}: not found: ${sought}`);
}

/** A shim must not depend on where the daemon was started. */
function directoriesOf(path: string): string[] {
  return path.split(delimiter).filter((directory) => isAbsolute(directory));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
