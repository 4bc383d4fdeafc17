// Removes a whole tree, however deep, and whatever bytes its names are made of.
import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { bytePathFromText } from '../../linux/byte-path.js';
import { removeTreeAt } from '../../linux/directory-calls.js';
import type { DiskJobContext } from './disk-job-context.js';

/** Nothing at `path` is fine. Given up in the middle, the rest stays. */
export function removeTree(path: string, context: Pick<DiskJobContext, 'checkCancelled'>): void {
  const parent = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    removeTreeAt(parent, bytePathFromText(basename(path)), context.checkCancelled);
  } finally {
    closeSync(parent);
  }
}
