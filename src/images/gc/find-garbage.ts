// Reads one namespace's records into a graph, by containerd's rules, and tells what nothing keeps.
import type { BlobRecord, ImageRecord, IngestRecord, LeaseResourceRecord } from '../../domain/image-records.js';
import type { Labels, LeaseRecord } from '../../domain/records.js';
import { namespacePrefix } from '../../store/keyspace.js';
import type { Store } from '../../store/store.js';
import type { ContentFiles } from '../content/content-files.js';
import type { WriterLocks } from '../content/writer-locks.js';
import { Graph } from './graph.js';
import {
  backReferencesOf,
  flatLabel,
  isExpired,
  isRoot,
  type NodeKey,
  nodeKey,
  referencesOf,
  snapshotKey,
} from './references.js';
import type { SnapshotNode, SnapshotSource } from './snapshot-source.js';

export interface CollectedParts {
  readonly store: Store;
  readonly content: ContentFiles;
  readonly writers: WriterLocks;
}

/** What may go, of one namespace. */
export interface Garbage {
  readonly namespace: string;
  readonly leases: readonly LeaseRecord[];
  readonly leaseResources: readonly LeaseResourceRecord[];
  readonly images: readonly ImageRecord[];
  readonly blobs: readonly BlobRecord[];
  readonly ingests: readonly IngestRecord[];
  readonly snapshots: readonly (SnapshotNode & { readonly source: SnapshotSource })[];
}

export async function findGarbage(
  parts: CollectedParts,
  sources: readonly SnapshotSource[],
  namespace: string,
): Promise<Garbage> {
  const { store } = parts;
  const now = new Date();
  const graph = new Graph();
  const leases = await addLeases(store, graph, namespace, now);
  const images = await addImages(store, graph, namespace, now);
  const ingests = await addIngests(parts, graph, namespace, now);
  const blobs = await addBlobs(store, graph, namespace);
  await addContainers(store, graph, namespace);
  const snapshots = await addSnapshots(sources, graph, namespace);
  const isKept = graph.kept();
  return {
    namespace,
    leases: leases.expired,
    leaseResources: leases.released,
    images: images.filter(({ name }) => !isKept('image', name)),
    blobs: blobs.filter(({ digest }) => !isKept('content', digest)),
    ingests: ingests.filter(({ ref }) => !isKept('ingest', ref)),
    snapshots: snapshots.filter(({ snapshotter, key }) => !isKept('snapshot', `${snapshotter}/${key}`)),
  };
}

/** Leases keep what they hold until they expire; a flat one keeps nothing beyond that. */
async function addLeases(store: Store, graph: Graph, namespace: string, now: Date) {
  const flatness = new Map<string, boolean>();
  const expired: LeaseRecord[] = [];
  for await (const lease of store.leases.list(namespacePrefix(namespace))) {
    if (isExpired(lease.labels, now)) expired.push(lease);
    else flatness.set(lease.id, flatLabel in lease.labels);
  }
  const released: LeaseResourceRecord[] = [];
  for await (const resource of store.leaseResources.list(namespacePrefix(namespace))) {
    const flat = flatness.get(resource.lease);
    if (flat === undefined) released.push(resource);
    else graph.addRoot(leasedNode(resource, flat));
  }
  return { expired, released };
}

function leasedNode({ type, id }: LeaseResourceRecord, flat: boolean): NodeKey {
  switch (type) {
    case 'content':
      return nodeKey('content', id, flat);
    case 'images':
      return nodeKey('image', id, flat);
    case 'ingests':
      return nodeKey('ingest', id);
    default:
      return snapshotKey(type.slice('snapshots/'.length), id, flat);
  }
}

/** Images are roots, but for those that say when they expire and have. */
async function addImages(store: Store, graph: Graph, namespace: string, now: Date): Promise<ImageRecord[]> {
  const images: ImageRecord[] = [];
  for await (const image of store.images.list(namespacePrefix(namespace))) {
    images.push(image);
    const node = nodeKey('image', image.name);
    graph.addEdge(node, nodeKey('content', image.target.digest));
    graph.addEdge(nodeKey('image', image.name, true), nodeKey('content', image.target.digest, true));
    addLinks(graph, node, image.labels);
    if (!isExpired(image.labels, now)) graph.addRoot(node);
  }
  return images;
}

/** Unfinished writes are roots while somebody writes, and until their own time has come. */
async function addIngests({ store, content, writers }: CollectedParts, graph: Graph, namespace: string, now: Date) {
  const ingests: IngestRecord[] = [];
  const nowNanos = BigInt(now.getTime()) * 1_000_000n;
  for await (const ingest of store.ingests.list(namespacePrefix(namespace))) {
    ingests.push(ingest);
    const node = nodeKey('ingest', ingest.ref);
    if (ingest.shared !== undefined) graph.addEdge(node, nodeKey('content', ingest.shared));
    const isAwaited = ingest.expiresAt !== undefined && ingest.expiresAt > nowNanos;
    if (isAwaited || writers.isHeld(content.ingestPath(ingest))) graph.addRoot(node);
  }
  return ingests;
}

async function addBlobs(store: Store, graph: Graph, namespace: string): Promise<BlobRecord[]> {
  const blobs: BlobRecord[] = [];
  for await (const blob of store.blobs.list(namespacePrefix(namespace))) {
    blobs.push(blob);
    const node = nodeKey('content', blob.digest);
    addLinks(graph, node, blob.labels);
    if (isRoot(blob.labels)) graph.addRoot(node);
  }
  return blobs;
}

async function addContainers(store: Store, graph: Graph, namespace: string): Promise<void> {
  for await (const container of store.containers.list(namespacePrefix(namespace))) {
    const node = nodeKey('container', container.id);
    graph.addRoot(node);
    addLinks(graph, node, container.labels);
    if (container.snapshotter !== '') {
      graph.addEdge(node, snapshotKey(container.snapshotter, container.snapshotKey));
    }
  }
}

async function addSnapshots(sources: readonly SnapshotSource[], graph: Graph, namespace: string) {
  const snapshots: (SnapshotNode & { readonly source: SnapshotSource })[] = [];
  for (const source of sources) {
    for await (const snapshot of source.list(namespace)) {
      const { snapshotter, key, parent, labels } = snapshot;
      snapshots.push({ snapshotter, key, parent, labels, source });
      const node = snapshotKey(snapshotter, key);
      if (parent !== '') {
        graph.addEdge(node, snapshotKey(snapshotter, parent));
        graph.addEdge(snapshotKey(snapshotter, key, true), snapshotKey(snapshotter, parent, true));
      }
      addLinks(graph, node, labels);
      if (isRoot(labels)) graph.addRoot(node);
    }
  }
  return snapshots;
}

function addLinks(graph: Graph, node: NodeKey, labels: Labels): void {
  for (const kept of referencesOf(labels)) graph.addEdge(node, kept);
  for (const keeper of backReferencesOf(labels)) graph.addEdge(keeper, node);
}
