// Turns work that pushes values into an iterable that is pulled from: a value is handed over when the one before it is
// done with, so that nothing gathers in between.
import { Deferred } from './deferred.js';

interface Offer<T> {
  readonly value: T;
  readonly taken: Deferred<void>;
}

/** `put` resolves once the next value is asked for. Leaving the loop early aborts the work's signal, and waits for its end. */
export async function* handedOver<T>(
  work: (put: (value: T) => Promise<void>, signal: AbortSignal) => Promise<unknown>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const leaving = new AbortController();
  const offers: Offer<T>[] = [];
  let news = new Deferred<void>();
  const put = async (value: T): Promise<void> => {
    // Nobody asks any more.
    if (leaving.signal.aborted) return;
    const taken = new Deferred<void>();
    offers.push({ value, taken });
    news.resolve();
    await taken.promise;
  };
  let isOver = false;
  const working = work(put, AbortSignal.any([signal, leaving.signal])).finally(() => {
    isOver = true;
    news.resolve();
  });
  // Told below, also when the caller leaves first.
  working.catch(() => undefined);
  try {
    for (;;) {
      const [offer] = offers;
      if (offer !== undefined) {
        yield offer.value;
        offers.shift();
        offer.taken.resolve();
      } else if (isOver) {
        break;
      } else {
        await news.promise;
        news = new Deferred();
      }
    }
    await working;
  } finally {
    leaving.abort();
    for (const { taken } of offers) taken.resolve();
    await working.catch(() => undefined);
  }
}
