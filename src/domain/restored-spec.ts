// The spec of a container that is restored under another id.
import { parseJsonObject } from './oci-spec.js';

interface Spec {
  readonly linux?: { readonly cgroupsPath?: string };
}

/** The same, but for the cgroup that bears the old id: two containers must not share one. */
export function specForRestore(spec: Uint8Array, oldId: string, newId: string): Uint8Array {
  const parsed = parseJsonObject('the spec of the checkpoint', spec) as Spec;
  const path = parsed.linux?.cgroupsPath;
  if (path === undefined || path === '') return spec;
  const renamed = path.endsWith(oldId) ? path.slice(0, -oldId.length) + newId : `${path}-${newId}`;
  return Buffer.from(JSON.stringify({ ...parsed, linux: { ...parsed.linux, cgroupsPath: renamed } }));
}
