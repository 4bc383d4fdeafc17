// What a layer has to say of one path, found by walking trees; and the attributes that go with it.
import type { BytePath } from '../../../linux/byte-path.js';
import type { FileStatus } from '../../../linux/file-status.js';
import { getXattrAt, listXattrsAt } from '../../../linux/xattr.js';

/** A name in an open directory. The directory stays open until the next change is asked for. */
export interface FoundFile {
  readonly directory: number;
  readonly name: BytePath;
  /** Below the root. */
  readonly path: BytePath;
  readonly status: FileStatus;
}

export type LayerChange =
  /** New or different. */
  | { readonly type: 'present'; readonly file: FoundFile }
  /** As it was, but it has other names, which may be new. */
  | { readonly type: 'unchanged'; readonly file: FoundFile }
  | { readonly type: 'hidden'; readonly path: BytePath }
  /** All that was in the directory `path` is hidden. */
  | { readonly type: 'opaque'; readonly path: BytePath };

/** What containerd's layers carry, and what users set. Marks of overlays, of security modules and ACLs are the host's. */
export function layerAttributes({ directory, name, status }: FoundFile): ReadonlyMap<BytePath, Buffer> {
  const attributes = new Map<BytePath, Buffer>();
  if (status.kind === 'symlink') return attributes;
  for (const attribute of listXattrsAt(directory, name)) {
    if (!isOfLayers(attribute)) continue;
    const value = getXattrAt(directory, name, attribute);
    if (value !== undefined) attributes.set(attribute, value);
  }
  return attributes;
}

function isOfLayers(attribute: BytePath): boolean {
  if (attribute === 'security.capability') return true;
  return attribute.startsWith('user.') && !attribute.startsWith('user.overlay.');
}
