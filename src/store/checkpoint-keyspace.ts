// The keyspace of the checkpoint catalogue.
import type { CheckpointKey, CheckpointRecord } from '../domain/checkpoint-record.js';
import type { Database } from './database.js';
import { Keyspace } from './keyspace.js';

export function openCheckpointKeyspace(database: Database): Keyspace<CheckpointRecord, CheckpointKey> {
  return new Keyspace(database, 'checkpoints', { keyText: ({ namespace, name }) => `${namespace}/${name}` });
}
