// One collection. Most find nothing, and hold nobody up: only when something looks like garbage is it looked at again with
// the gate of references held alone, and then what is garbage goes, records first, in one batch; files follow.
import { failpoint } from '../../base/failpoint.js';
import type { Log } from '../../base/log.js';
import type { Change } from '../../store/database.js';
import { imageDeleted } from '../event-drafts.js';
import { type CollectedParts, findGarbage, type Garbage } from './find-garbage.js';
import type { SnapshotSource } from './snapshot-source.js';
import { type BlobSweep, sweepBlobs } from './sweep-blobs.js';

export interface CollectionParts extends CollectedParts, BlobSweep {
  readonly log: Log;
}

export interface Collection {
  readonly leases: number;
  readonly images: number;
  readonly blobs: number;
  readonly ingests: number;
  readonly snapshots: number;
  /** Files that no record owned any more, or never had. */
  readonly files: number;
  /** How long others were kept from making references. */
  readonly pauseMs: number;
}

interface Findings {
  readonly garbage: readonly Garbage[];
  /** Files of unfinished writes that nobody remembers. */
  readonly strays: readonly string[];
}

export async function collectGarbage(parts: CollectionParts, sources: readonly SnapshotSource[]): Promise<Collection> {
  const suspects = await look(parts, sources);
  const counts = isNothing(suspects) ? noCounts : await removeAlone(parts, sources);
  const files = await sweepBlobs(parts);
  for (const source of sources) await source.sweep?.();
  return { ...counts, files: counts.files + files };
}

const noCounts: Collection = { leases: 0, images: 0, blobs: 0, ingests: 0, snapshots: 0, files: 0, pauseMs: 0 };

async function removeAlone(parts: CollectionParts, sources: readonly SnapshotSource[]): Promise<Collection> {
  return await parts.store.references.alone(async () => {
    const start = performance.now();
    const { garbage, strays } = await look(parts, sources);
    failpoint('gc.marked');
    await removeRecords(parts, garbage);
    failpoint('gc.records-removed');
    await removeSnapshots(parts, garbage);
    const ingests = garbage.flatMap((found) => found.ingests);
    for (const ingest of ingests) await parts.content.removeIngest(parts.content.ingestPath(ingest));
    for (const path of strays) await parts.content.removeIngest(path);
    const count = (what: (found: Garbage) => readonly unknown[]) => garbage.flatMap(what).length;
    return {
      leases: count((found) => found.leases),
      images: count((found) => found.images),
      blobs: count((found) => found.blobs),
      ingests: ingests.length,
      snapshots: count((found) => found.snapshots),
      files: strays.length,
      pauseMs: performance.now() - start,
    };
  });
}

async function look(parts: CollectionParts, sources: readonly SnapshotSource[]): Promise<Findings> {
  const garbage: Garbage[] = [];
  for await (const { name } of parts.store.namespaces.list()) garbage.push(await findGarbage(parts, sources, name));
  return { garbage, strays: await findStrays(parts) };
}

/** Files of unfinished writes that no record names and nobody writes. */
export async function findStrays({ store, content, writers }: CollectedParts): Promise<string[]> {
  const paths = await content.listIngests();
  const known = new Set<string>();
  for await (const ingest of store.ingests.list()) known.add(content.ingestPath(ingest));
  return paths.filter((path) => !known.has(path) && !writers.isHeld(path));
}

function isNothing({ garbage, strays }: Findings): boolean {
  return strays.length === 0 && garbage.every(isClean);
}

function isClean({ leases, leaseResources, images, blobs, ingests, snapshots }: Garbage): boolean {
  return [leases, leaseResources, images, blobs, ingests, snapshots].every(({ length }) => length === 0);
}

async function removeRecords({ store }: CollectionParts, garbage: readonly Garbage[]): Promise<void> {
  const changes: Change[] = garbage.flatMap((found) => [
    ...found.leases.map((lease) => store.leases.remove(lease)),
    ...found.leaseResources.map((resource) => store.leaseResources.remove(resource)),
    ...found.images.map((image) => store.images.remove(image)),
    ...found.blobs.map((blob) => store.blobs.remove(blob)),
    ...found.ingests.map((ingest) => store.ingests.remove(ingest)),
  ]);
  if (changes.length === 0) return;
  // As in containerd, blobs that are collected make no event: who deletes content by name gets one.
  const drafts = garbage.flatMap((found) => found.images.map(imageDeleted));
  await store.commit(changes, drafts);
}

/** Level by level, children first; the snapshots of one level together, so that they share a write. */
async function removeSnapshots({ log }: CollectionParts, garbage: readonly Garbage[]): Promise<void> {
  for (const { namespace, snapshots } of garbage) {
    for (const level of levelsOf(snapshots)) {
      await Promise.all(
        level.map(async ({ source, snapshotter, key }) => {
          try {
            await source.remove(namespace, snapshotter, key);
            failpoint('gc.snapshot-removed');
          } catch (error) {
            log.warn('a snapshot that nothing refers to could not be removed', { namespace, snapshotter, key, error });
          }
        }),
      );
    }
  }
}

type GarbageSnapshot = Garbage['snapshots'][number];

/** Snapshots by their distance from the oldest parent that goes too, the farthest first. */
export function levelsOf(snapshots: readonly GarbageSnapshot[]): GarbageSnapshot[][] {
  const byName = new Map(snapshots.map((snapshot) => [nameOf(snapshot.snapshotter, snapshot.key), snapshot]));
  const levels: GarbageSnapshot[][] = [];
  for (const snapshot of snapshots) {
    let depth = 0;
    let parent = byName.get(nameOf(snapshot.snapshotter, snapshot.parent));
    // The bound is for records that are broken: a snapshot that is its own ancestor.
    for (
      ;
      parent !== undefined && depth < snapshots.length;
      parent = byName.get(nameOf(parent.snapshotter, parent.parent))
    )
      depth++;
    (levels[depth] ??= []).push(snapshot);
  }
  return levels.filter((level) => level !== undefined).reverse();
}

function nameOf(snapshotter: string, key: string): string {
  return `${snapshotter}/${key}`;
}
