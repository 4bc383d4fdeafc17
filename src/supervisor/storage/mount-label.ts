// SELinux labels of mounts, as the kernel's option `context` takes them. Pure.
import { BerthError } from '../../domain/errors.js';
import type { Mount } from '../../linux/mount.js';

const maxLabelBytes = 255;

/** The same mounts, their files under `label`. Quoted, since the categories of a label have commas between them. */
export function labelledMounts(mounts: readonly Mount[], label: string): Mount[] {
  checkLabel(label);
  return mounts.map((mount) => {
    if (mount.type === 'bind' || mount.options.some((option) => option === 'bind' || option === 'rbind')) {
      throw new BerthError(
        'failed-precondition',
        'a directory that is bound keeps its labels: only an overlay takes one',
      );
    }
    return { ...mount, options: [...mount.options, `context="${label}"`] };
  });
}

/** USER:ROLE:TYPE[:LEVEL] without what would end the quotes. */
export function checkLabel(label: string): void {
  const isLabel = /^[A-Za-z0-9_.]+:[A-Za-z0-9_.]+:[A-Za-z0-9_.]+(?::[A-Za-z0-9_.,:-]+)?$/.test(label);
  if (isLabel && Buffer.byteLength(label) <= maxLabelBytes) return;
  throw new BerthError('invalid-argument', `label ${JSON.stringify(label.slice(0, 64))} is not USER:ROLE:TYPE[:LEVEL]`);
}
