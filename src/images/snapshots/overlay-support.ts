// Whether overlays can be mounted here, and with which options; found out by mounting one.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../domain/errors.js';
import { mountOn, unmountBelow } from '../../linux/mount.js';

export interface OverlaySupport {
  /** What every overlay is mounted with. */
  readonly options: readonly string[];
  /** Why overlays cannot be mounted; undefined when they can. */
  readonly failure: string | undefined;
}

/** `scratch` is an empty directory of the caller's own, on the file system that the layers are to be on. */
export function probeOverlay(scratch: string): OverlaySupport {
  const options = overlayOptions();
  try {
    mountOne(scratch, options);
    return { options, failure: undefined };
  } catch (error) {
    return { options, failure: messageOf(error) };
  }
}

function mountOne(scratch: string, options: readonly string[]): void {
  const root = join(scratch, 'root');
  for (const name of ['lower', 'upper', 'work', 'root']) mkdirSync(join(scratch, name));
  const layers = [`workdir=${scratch}/work`, `upperdir=${scratch}/upper`, `lowerdir=${scratch}/lower`];
  mountOn({ type: 'overlay', source: 'overlay', target: '', options: [...options, ...layers] }, root);
  try {
    // What a layer hides is marked by such a directory: a file system without file types in its directories fails here.
    mkdirSync(join(root, 'probe'));
  } finally {
    // Only what was mounted here.
    unmountBelow(root);
  }
}

/** As containerd: hard links across layers are not tracked; in a user namespace marks are attributes of users. */
function overlayOptions(): string[] {
  const index = existsSync('/sys/module/overlay/parameters/index') ? ['index=off'] : [];
  return isInUserNamespace() ? [...index, 'userxattr'] : index;
}

function isInUserNamespace(): boolean {
  const [first = '', ...others] = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n');
  const [inside, outside, count] = first.trim().split(/\s+/).map(Number);
  return others.length > 0 || inside !== 0 || outside !== 0 || count !== 0xffff_ffff;
}
