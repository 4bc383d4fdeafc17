// Compares the files of a checkpoint with what the catalogue says they are.
import type { CheckpointKey } from '../../domain/checkpoint-record.js';
import type { Supervisor } from '../supervisor.js';
import { checkpointPath } from './checkpoint-directory.js';
import { getCheckpoint, queueKey } from './get-checkpoint.js';
import { digestImage } from './image-files.js';

export interface CheckpointFault {
  readonly path: string;
  /** Empty where the file is not on record. */
  readonly expectedDigest: string;
  /** Empty where the file is missing. */
  readonly actualDigest: string;
}

/** None where all is well. */
export function verifyCheckpoint(supervisor: Supervisor, key: CheckpointKey): Promise<CheckpointFault[]> {
  return supervisor.queue.run(queueKey(key), async () => {
    const record = await getCheckpoint(supervisor, key);
    const found = await digestImage(checkpointPath(supervisor.checkpointsDirectory, record), { sync: false });
    const expected = new Map(record.files.map(({ path, digest }) => [path, digest]));
    const actual = new Map(found.map(({ path, digest }) => [path, digest]));
    return [...new Set([...expected.keys(), ...actual.keys()])]
      .sort()
      .map((path) => ({
        path,
        expectedDigest: expected.get(path) ?? '',
        actualDigest: actual.get(path) ?? '',
      }))
      .filter(({ expectedDigest, actualDigest }) => expectedDigest !== actualDigest);
  });
}
