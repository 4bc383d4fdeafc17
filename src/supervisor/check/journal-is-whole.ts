// The journal's numbers have no gaps.
import type { Invariant } from './invariant.js';

export const journalIsWhole: Invariant = {
  name: 'journal-is-whole',
  async *examine({ store, closing }) {
    const { first } = store.journal.head();
    let expected = first;
    for await (const item of store.journal.read(first - 1n, { follow: false, signal: closing })) {
      if ('gap' in item) {
        // Retention moved on while we read.
        expected = item.gap.lastMissing + 1n;
        continue;
      }
      const { number } = item.event;
      if (number === expected) yield undefined;
      else {
        const message = `number ${expected} should follow, and ${number} does`;
        yield { object: String(number), message, remedy: 'restore the records from a backup' };
      }
      expected = number + 1n;
    }
  },
};
