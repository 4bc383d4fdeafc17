// The keyspaces of containers' storage. An id has no slash, so that one container's records lie together.
import { type ContainerKey, keyString } from '../domain/ids.js';
import type { MetadataRecord, RootMountRecord } from '../domain/storage-records.js';
import type { Database } from './database.js';
import { Keyspace } from './keyspace.js';

export interface StorageKeyspaces {
  readonly metadata: Keyspace<MetadataRecord, ContainerKey & Pick<MetadataRecord, 'name'>>;
  readonly rootMounts: Keyspace<RootMountRecord, ContainerKey>;
}

export function openStorageKeyspaces(database: Database): StorageKeyspaces {
  return {
    metadata: new Keyspace(database, 'metadata', { keyText: (key) => `${metadataPrefix(key)}${key.name}` }),
    rootMounts: new Keyspace(database, 'root-mounts', { keyText: keyString, resident: true }),
  };
}

/** The prefix that all metadata of a container share. */
export function metadataPrefix(key: ContainerKey): string {
  return `${keyString(key)}/`;
}
