// The pages that every shim touches in its start. The zygote has a shim start a container twice, to learn which these are;
// each later one gets them all at once, where it would meet them one by one, a fault each, while somebody waits for it.
import { canGivePages, mapPages, ownPages, type PageRow, rowsOf } from '../../src/linux/touched-pages.js';
import { observeStart, type Part } from './observe-start.js';

export class StartPages {
  readonly #written: readonly PageRow[];
  readonly #read: readonly PageRow[];

  /** Of none, where they could not be learnt. */
  constructor(written: readonly PageRow[] = [], read: readonly PageRow[] = []) {
    this.#written = written;
    this.#read = read;
  }

  /** For a child of the zygote. */
  take(): void {
    ownPages(this.#written);
    mapPages(this.#read);
  }
}

/**
 * In the zygote, which has no children yet; and in a child that it forks for this, what that is to do. Throws as `observeStart`. On
 * kernels that cannot give a process pages there is nothing to learn.
 */
export function learnStartPages(directory: string, channel: number): StartPages | Part {
  if (!canGivePages()) return new StartPages();
  const first = observeStart(directory, channel);
  if (typeof first === 'function') return first;
  // The halves of new space change places: the second shim's new objects then lie in none of the first one's pages.
  globalThis.gc?.({ type: 'minor' });
  const second = observeStart(directory, channel);
  if (typeof second === 'function') return second;
  return new StartPages(rowsOf(common(first.written, second.written)), rowsOf(common(first.read, second.read)));
}

/** Of two lists in order, in order. */
function common(some: readonly number[], others: readonly number[]): number[] {
  const set = new Set(some);
  return others.filter((page) => set.has(page));
}
