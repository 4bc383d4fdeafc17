// Everything Berth remembers, by keyspace, and the one way to change it.
import { Gate } from '../base/gate.js';
import type { CheckpointKey, CheckpointRecord } from '../domain/checkpoint-record.js';
import { type ContainerKey, keyString } from '../domain/ids.js';
import type { ContainerRecord, ExitRecord, LeaseRecord, NamespaceRecord, TaskRecord } from '../domain/records.js';
import { type SnapshotKey, snapshotKeyText, type SnapshotRecord } from '../domain/snapshot.js';
import { backUp } from './backup.js';
import { openCheckpointKeyspace } from './checkpoint-keyspace.js';
import { Committer } from './committer.js';
import { Database } from './database.js';
import { type ImageKeyspaces, openImageKeyspaces } from './image-keyspaces.js';
import { Journal, type Retention } from './journal.js';
import { Keyspace } from './keyspace.js';
import { openStorageKeyspaces, type StorageKeyspaces } from './storage-keyspaces.js';

export interface Store extends ImageKeyspaces, StorageKeyspaces {
  readonly namespaces: Keyspace<NamespaceRecord, string>;
  readonly containers: Keyspace<ContainerRecord, ContainerKey>;
  readonly tasks: Keyspace<TaskRecord, ContainerKey>;
  readonly leases: Keyspace<LeaseRecord, ContainerKey>;
  /** Several per process name, oldest first: a container's id may be used again. */
  readonly exits: Keyspace<ExitRecord, ExitRecord>;
  readonly checkpoints: Keyspace<CheckpointRecord, CheckpointKey>;
  readonly snapshots: Keyspace<SnapshotRecord, SnapshotKey>;
  /** Facts about the root itself, by name. */
  readonly meta: Keyspace<{ readonly value: string }, string>;
  readonly journal: Journal;
  /**
   * Held shared by whoever reads records and then, on the strength of them, commits a change of what garbage collection
   * reads (containers, leases, images, blobs, ingests, snapshots); held alone by the collector while it decides and
   * removes. Queues come before it: nobody waits for a queue inside.
   */
  readonly references: Gate;
  readonly commit: Committer['commit'];
  /** Writes a consistent copy of everything below ROOT/backups, keeps the newest `keep`, and returns its path. */
  backUp(keep: number): Promise<string>;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly root: string;
  readonly keep: Retention;
}

export async function openStore(options: StoreOptions): Promise<Store> {
  const database = await Database.open(options.root);
  const journal = await Journal.open(database, options.keep);
  const committer = new Committer(database, journal);
  const byName = { keyText: (name: string) => name };
  const resident = true;
  const byKey = { keyText: keyString };
  return {
    namespaces: new Keyspace(database, 'namespaces', { ...byName, resident }),
    containers: new Keyspace(database, 'containers', { ...byKey, resident }),
    tasks: new Keyspace(database, 'tasks', byKey),
    leases: new Keyspace(database, 'leases', { ...byKey, resident }),
    exits: new Keyspace(database, 'exits', { keyText: exitKey }),
    checkpoints: openCheckpointKeyspace(database),
    snapshots: new Keyspace(database, 'snapshots', { keyText: snapshotKeyText }),
    meta: new Keyspace(database, 'meta', byName),
    ...openImageKeyspaces(database),
    ...openStorageKeyspaces(database),
    journal,
    references: new Gate(),
    commit: (changes, drafts) => committer.commit(changes, drafts),
    backUp: (keep) => backUp(database, options.root, keep),
    close: async () => {
      await committer.idle();
      await database.close();
    },
  };
}

/** Digits of the largest 64-bit number, so that exits of one name sort by time. */
const timeDigits = 20;

/** The prefix that the exits of one process name share. */
export function exitPrefix({ namespace, id, execId }: Pick<ExitRecord, 'namespace' | 'id' | 'execId'>): string {
  return `${namespace}/${id}/${execId}/`;
}

function exitKey(exit: ExitRecord): string {
  return `${exitPrefix(exit)}${exit.exitedAt.toString().padStart(timeDigits, '0')}`;
}
