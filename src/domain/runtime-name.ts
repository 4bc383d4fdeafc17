// Runtime names as clients send them, and which of them mean Berth's own shim.
import { BerthError } from './errors.js';

/** The name every containerd client sends unless told otherwise, Berth's own, and none at all. */
const ownNames: readonly string[] = ['', 'io.containerd.runc.v2', 'io.containerd.berth.v2'];

/** Throws `not-found` for a runtime that Berth has no shim for. */
export function checkRuntimeName(name: string): void {
  if (ownNames.includes(name)) return;
  throw new BerthError('not-found', `runtime ${name}: not found; Berth runs io.containerd.runc.v2`);
}
