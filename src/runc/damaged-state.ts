// A container of which runc cannot read any more what it had written down, because the file system lost it: runc refuses
// to delete it for ever, and its name would stay taken.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../linux/libc.js';
import { removeLeftoverGroups } from './leftover-groups.js';
import { isRunc } from './state-file.js';

export interface DamagedContainer {
  readonly binary: string;
  readonly root: string;
  readonly id: string;
  readonly bundle: string;
}

/** Removes what is left. False where the state is whole, another runtime's, or of a container in which something runs. */
export async function removeDamaged({ binary, root, id, bundle }: DamagedContainer): Promise<boolean> {
  if (!isRunc(binary) || !isDamaged(join(root, id, 'state.json'))) return false;
  if (!(await removeLeftoverGroups(bundle))) return false;
  rmSync(join(root, id), { recursive: true, force: true });
  return true;
}

/** runc writes beside it and renames, so that no crash of runc's leaves it half written. */
function isDamaged(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, 'utf8'));
    return false;
  } catch (error) {
    return error instanceof SyntaxError || isSystemError(error, 'EIO', 'EUCLEAN');
  }
}
