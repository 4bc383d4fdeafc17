// Every snapshot has its directory.
import { snapshotKeyText } from '../../domain/snapshot.js';
import type { Invariant } from './invariant.js';

export const snapshotsHaveDirectories: Invariant = {
  name: 'snapshots-have-directories',
  async *examine({ layers }) {
    const { index, directories } = layers.snapshots;
    for (const record of index.list(() => true)) {
      // One that goes meanwhile is not in the index any more, which it leaves first.
      if ((await directories.exists(record.directory)) || index.find(record) !== record) yield undefined;
      else {
        yield {
          object: snapshotKeyText(record),
          message: `the snapshot's directory ${directories.path(record.directory)} is gone`,
          remedy: 'remove the snapshot and what stands on it, then pull or import the image again',
        };
      }
    }
  },
};
