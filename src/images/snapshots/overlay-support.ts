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

/** `scratch` is an empty directory on the file system that the layers are to be on. */
export function probeOverlay(scratch: string): OverlaySupport {
  const options = overlayOptions();
  const [lower, upper, work, root] = ['lower', 'upper', 'work', 'root'].map((name) => join(scratch, name));
  try {
    for (const path of [lower, upper, work, root]) mkdirSync(path ?? scratch);
    const layers = [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower}`];
    mountOn({ type: 'overlay', source: 'overlay', target: '', options: [...options, ...layers] }, root ?? scratch);
    // What a layer hides is marked by such a directory: a file system without file types in its directories fails here.
    mkdirSync(join(root ?? scratch, 'probe'));
    return { options, failure: undefined };
  } catch (error) {
    return { options, failure: messageOf(error) };
  } finally {
    unmountBelow(scratch);
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
