// Runtime names as clients send them: which mean Berth's own shim, and which the shim of somebody else. Pure.
import { BerthError } from './errors.js';

/** The name every containerd client sends unless told otherwise, Berth's own, and none at all. */
const ownNames: readonly string[] = ['', 'io.containerd.runc.v2', 'io.containerd.berth.v2'];

/** What the configuration may give a runtime's name, besides the absolute path of a shim. */
export const ownShimName = 'berth';

/** By runtime name: `berth`, or the absolute path of a shim's binary. */
export type RuntimeNames = Readonly<Record<string, string>>;

/** A shim: Berth's own, the binary at a path, or one to be looked for on PATH. */
export type ShimChoice =
  | { readonly kind: 'own' }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'name'; readonly binary: string };

/** Throws `invalid-argument` for a name that cannot mean any shim. */
export function shimChoice(name: string, configured: RuntimeNames): ShimChoice {
  const chosen = Object.hasOwn(configured, name) ? configured[name] : undefined;
  if (chosen === ownShimName || (chosen === undefined && ownNames.includes(name))) return { kind: 'own' };
  const path = chosen ?? name;
  if (path.startsWith('/')) return { kind: 'path', path };
  return { kind: 'name', binary: shimBinaryName(name) };
}

/** containerd's rule: the last two parts, so that `io.containerd.kata.v2` runs `containerd-shim-kata-v2`. */
function shimBinaryName(name: string): string {
  const [version, kind, ...rest] = name.split('.').toReversed();
  if (name.includes('/') || !version || !kind || rest.at(-1) === '') {
    const wanted = 'a name like io.containerd.runc.v2 or the absolute path of a shim';
    throw new BerthError('invalid-argument', `invalid runtime name ${JSON.stringify(name)}: ${wanted} is wanted`);
  }
  return `containerd-shim-${kind}-${version}`;
}
