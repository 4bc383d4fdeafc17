// Removes a checkpoint: its directory loses its name, then the catalogue its record, then the files go.
import type { CheckpointKey } from '../../domain/checkpoint-record.js';
import { BerthError } from '../../domain/errors.js';
import type { Supervisor } from '../supervisor.js';
import { checkpointPath, removeDirectory } from './checkpoint-directory.js';
import { getCheckpoint, listCheckpoints, queueKey } from './get-checkpoint.js';

export function deleteCheckpoint(supervisor: Supervisor, key: CheckpointKey): Promise<void> {
  return supervisor.queue.run(queueKey(key), async () => {
    const record = await getCheckpoint(supervisor, key);
    const children: string[] = [];
    for await (const { name, parent } of listCheckpoints(supervisor, key.namespace, [])) {
      if (parent === key.name) children.push(name);
    }
    if (children.length > 0) {
      throw new BerthError('failed-precondition', `checkpoint ${key.name} is the parent of ${children.join(', ')}`);
    }
    await removeDirectory(checkpointPath(supervisor.checkpointsDirectory, record));
    await supervisor.store.commit([supervisor.store.checkpoints.remove(key)]);
  });
}
