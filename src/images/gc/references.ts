// What labels say about who keeps whom: containerd's `containerd.io/gc.*` labels, as edges between objects.
import type { Labels } from '../../domain/records.js';

export type ObjectKind = 'container' | 'content' | 'image' | 'ingest' | 'snapshot';

/**
 * One object of one namespace. Flat is an object that is kept for itself: what it refers to is not, but for a
 * snapshot's parents.
 */
export type NodeKey = `${ObjectKind}:${string}` | `${ObjectKind}-flat:${string}`;

const prefix = 'containerd.io/gc.';
export const flatLabel = `${prefix}flat`;
export const expireLabel = `${prefix}expire`;
const rootLabel = `${prefix}root`;

export function nodeKey(kind: ObjectKind, id: string, flat = false): NodeKey {
  return flat ? `${kind}-flat:${id}` : `${kind}:${id}`;
}

export function snapshotKey(snapshotter: string, key: string, flat = false): NodeKey {
  return nodeKey('snapshot', `${snapshotter}/${key}`, flat);
}

/** Whether the labels make their object a root: kept whoever refers to it. */
export function isRoot(labels: Labels): boolean {
  return Object.keys(labels).some((label) => label.startsWith(rootLabel));
}

/** Whether a time label (RFC 3339) lies before `now`; one that cannot be read never does. */
export function isExpired(labels: Labels, now: Date): boolean {
  const until = labels[expireLabel];
  return until !== undefined && Date.parse(until) < now.getTime();
}

/** What an object with these labels keeps (`gc.ref.*`). */
export function referencesOf(labels: Labels): NodeKey[] {
  return linksOf(labels, `${prefix}ref.`);
}

/** What keeps an object with these labels (`gc.bref.*`, since containerd 2.1). */
export function backReferencesOf(labels: Labels): NodeKey[] {
  return linksOf(labels, `${prefix}bref.`);
}

function linksOf(labels: Labels, family: string): NodeKey[] {
  return Object.entries(labels).flatMap(([label, value]) => {
    if (!label.startsWith(family)) return [];
    const link = linkOf(label.slice(family.length), value);
    return link === undefined ? [] : [link];
  });
}

/** `content`, `content.N`, `content/NAME`, the same for images and containers, and `snapshot.SNAPSHOTTER[/NAME]`. */
function linkOf(name: string, value: string): NodeKey | undefined {
  const snapshotter = /^snapshot\.([^/]+)/.exec(name)?.[1];
  if (snapshotter !== undefined) return snapshotKey(snapshotter, value);
  const kind = /^(container|content|image)(?:[./]|$)/.exec(name)?.[1];
  return kind === undefined ? undefined : nodeKey(kind as ObjectKind, value);
}
