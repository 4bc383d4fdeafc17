// The journal's numbers have no gaps.
import type { JournalGap } from '../../store/journal.js';
import type { Invariant } from './invariant.js';

export const journalIsWhole: Invariant = {
  name: 'journal-is-whole',
  async *examine({ store, closing }) {
    const { first } = store.journal.head();
    const gaps: JournalGap[] = [];
    for await (const item of store.journal.read(first - 1n, { follow: false, signal: closing })) {
      if ('gap' in item) gaps.push(item.gap);
      else yield undefined;
    }
    for (const { firstMissing, lastMissing } of gaps) {
      // Retention moved on while we read.
      if (lastMissing < store.journal.head().first) continue;
      const message = `the numbers from ${firstMissing} to ${lastMissing} are missing`;
      yield { object: String(firstMissing), message, remedy: 'restore the records from a backup' };
    }
  },
};
