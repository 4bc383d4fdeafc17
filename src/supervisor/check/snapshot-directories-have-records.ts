// Every directory of a snapshot is on record.
import type { Invariant } from './invariant.js';

export const snapshotDirectoriesHaveRecords: Invariant = {
  name: 'snapshot-directories-have-records',
  async *examine({ layers }) {
    const { index, directories } = layers.snapshots;
    const numbers = await directories.list();
    // Both in one turn: a directory goes from under way to a record, and back, without a moment between.
    const named = index.directories();
    const nobodys = new Set(numbers.filter((number) => !named.has(number) && !directories.isUnderWay(number)));
    for (const number of numbers) {
      // One whose removal has ended since the list is not there any more.
      if (!nobodys.has(number) || !(await directories.exists(number))) yield undefined;
      else {
        yield {
          object: directories.path(number),
          message: 'the directory belongs to no snapshot',
          remedy: 'the next start of the daemon removes it, or berth check --repair',
          repair: () => directories.remove(number),
        };
      }
    }
  },
};
