// Everything Berth remembers, by keyspace, and the one way to change it.
import { type ContainerKey, keyString } from '../domain/ids.js';
import type { ContainerRecord, LeaseRecord, NamespaceRecord, TaskRecord } from '../domain/records.js';
import { Committer } from './committer.js';
import { Database } from './database.js';
import { Journal } from './journal.js';
import { Keyspace } from './keyspace.js';

export interface Store {
  readonly namespaces: Keyspace<NamespaceRecord, string>;
  readonly containers: Keyspace<ContainerRecord, ContainerKey>;
  readonly tasks: Keyspace<TaskRecord, ContainerKey>;
  readonly leases: Keyspace<LeaseRecord, ContainerKey>;
  /** Facts about the root itself, by name. */
  readonly meta: Keyspace<{ readonly value: string }, string>;
  readonly journal: Journal;
  readonly commit: Committer['commit'];
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly root: string;
  /** How many events the journal keeps. */
  readonly keepEvents: number;
}

export async function openStore(options: StoreOptions): Promise<Store> {
  const database = await Database.open(options.root);
  const journal = await Journal.open(database, options);
  const committer = new Committer(database, journal);
  const byName = { keyText: (name: string) => name };
  const byKey = { keyText: keyString };
  return {
    namespaces: new Keyspace(database, 'namespaces', byName),
    containers: new Keyspace(database, 'containers', byKey),
    tasks: new Keyspace(database, 'tasks', byKey),
    leases: new Keyspace(database, 'leases', byKey),
    meta: new Keyspace(database, 'meta', byName),
    journal,
    commit: (changes, drafts) => committer.commit(changes, drafts),
    close: async () => {
      await committer.idle();
      await database.close();
    },
  };
}
