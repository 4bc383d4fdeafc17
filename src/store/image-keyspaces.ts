// The keyspaces of image storage. Every key begins with its namespace, so that one namespace's records lie together. All are
// resident: each collection reads them whole.
import type { BlobRecord, ImageRecord, IngestRecord, LeaseResourceRecord } from '../domain/image-records.js';
import type { Database } from './database.js';
import { Keyspace } from './keyspace.js';

export interface ImageKeyspaces {
  readonly blobs: Keyspace<BlobRecord, Pick<BlobRecord, 'namespace' | 'digest'>>;
  readonly ingests: Keyspace<IngestRecord, Pick<IngestRecord, 'namespace' | 'ref'>>;
  readonly images: Keyspace<ImageRecord, Pick<ImageRecord, 'namespace' | 'name'>>;
  readonly leaseResources: Keyspace<LeaseResourceRecord, LeaseResourceRecord>;
}

export function openImageKeyspaces(database: Database): ImageKeyspaces {
  const resident = true;
  return {
    blobs: new Keyspace(database, 'blobs', { keyText: ({ namespace, digest }) => `${namespace}/${digest}`, resident }),
    ingests: new Keyspace(database, 'ingests', { keyText: ({ namespace, ref }) => `${namespace}/${ref}`, resident }),
    images: new Keyspace(database, 'images', { keyText: ({ namespace, name }) => `${namespace}/${name}`, resident }),
    leaseResources: new Keyspace(database, 'lease-resources', {
      keyText: (resource) => `${leaseResourcePrefix(resource)}${resource.type}/${resource.id}`,
      resident,
    }),
  };
}

/** The prefix that one lease's resources share. A lease's id may hold any character. */
export function leaseResourcePrefix({
  namespace,
  lease,
}: {
  readonly namespace: string;
  readonly lease: string;
}): string {
  return `${namespace}/${encodeURIComponent(lease)}/`;
}
