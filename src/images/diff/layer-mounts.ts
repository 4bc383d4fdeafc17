// What the mounts of a snapshot tell of the directories behind them, so that a layer is read and written there directly.
// Pure.
import type { Mount } from '../../linux/mount.js';
import { lowerDirectories } from '../../linux/overlay-options.js';
import type { UnpackTarget } from './unpack/unpack-layer.js';

/** Where a layer can be unpacked without a mount; undefined where it takes one. */
export function directTarget(mounts: readonly Mount[]): UnpackTarget | undefined {
  const [mount] = mounts;
  if (mount === undefined || mounts.length > 1 || mount.target !== '') return undefined;
  if (isWritableBind(mount)) return { path: mount.source, whiteouts: 'plain', lowers: [] };
  const upper = optionOf(mount, 'upperdir');
  if (mount.type !== 'overlay' || upper === undefined) return undefined;
  return { path: upper, whiteouts: attributesOf(mount), lowers: lowerDirectories(mount.options) };
}

/** The directories that are seen one on top of the other, the top first; undefined where mounts tell no such thing. */
export function layerStack(mounts: readonly Mount[]): readonly string[] | undefined {
  const [mount] = mounts;
  if (mount === undefined) return [];
  if (mounts.length > 1 || mount.target !== '') return undefined;
  if (isBind(mount)) return [mount.source];
  if (mount.type !== 'overlay') return undefined;
  const upper = optionOf(mount, 'upperdir');
  return [...(upper === undefined ? [] : [upper]), ...lowerDirectories(mount.options)];
}

/** Whose extended attributes an overlay marks files with. */
export function attributesOf({ options }: Mount): 'trusted' | 'user' {
  return options.includes('userxattr') ? 'user' : 'trusted';
}

/** The same tree, read only. An upper directory becomes the topmost lower one: it may be mounted elsewhere. */
export function readOnlyMounts(mounts: readonly Mount[]): Mount[] {
  return mounts.map((mount) => {
    const options = mount.options.filter((option) => option !== 'rw' && option !== 'ro');
    if (mount.type !== 'overlay') return { ...mount, options: ['ro', ...options] };
    const others = options.filter((option) => !/^(?:upper|work|lower)dir=/.test(option));
    const layers = layerStack([{ ...mount, target: '' }]) ?? [];
    const [only] = layers;
    // An overlay without an upper directory needs two layers.
    if (layers.length === 1 && only !== undefined) return bindOf(only, mount.target);
    return { ...mount, options: ['ro', ...others, `lowerdir=${layers.join(':')}`] };
  });
}

function bindOf(source: string, target: string): Mount {
  return { type: 'bind', source, target, options: ['ro', 'rbind'] };
}

function isBind({ type, options }: Mount): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}

function isWritableBind(mount: Mount): boolean {
  return isBind(mount) && !mount.options.includes('ro');
}

function optionOf({ options }: Mount, name: string): string | undefined {
  return options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
}
