// What Berth remembers of images and content. Sizes are in bytes.
import type { Labels } from './records.js';
import type { UnixNanos } from './time.js';

/** A blob that a namespace may see; the file is shared by all namespaces that have a record of it. */
export interface BlobRecord {
  readonly namespace: string;
  readonly digest: string;
  readonly size: number;
  readonly labels: Labels;
  readonly createdAt: UnixNanos;
  readonly updatedAt: UnixNanos;
}

/** An unfinished write, named by the client. */
export interface IngestRecord {
  readonly namespace: string;
  readonly ref: string;
  /** What the client announced; 0 where it announced nothing. */
  readonly total: number;
  readonly startedAt: UnixNanos;
  /** The blob, already here for another namespace, that this write may take as it is. */
  readonly shared?: string;
  /** When garbage collection may take it; absent when only a lease holds it. */
  readonly expiresAt?: UnixNanos;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ImageRecord {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly target: Descriptor;
  readonly createdAt: UnixNanos;
  readonly updatedAt: UnixNanos;
}

/** What a lease can hold: `content`, `ingests`, `images`, or `snapshots/SNAPSHOTTER`. */
export interface LeaseResource {
  readonly type: string;
  readonly id: string;
}

export interface LeaseResourceRecord extends LeaseResource {
  readonly namespace: string;
  readonly lease: string;
}
