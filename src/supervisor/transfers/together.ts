// Pieces of one transfer that go on at once, and end together.

/** Resolves when all have; the first to fail ends the others, and nothing of them goes on behind the failure. */
export async function together(work: Iterable<Promise<unknown>>, failed: AbortController): Promise<void> {
  const all = [...work];
  try {
    await Promise.all(all);
  } catch (error) {
    failed.abort(error);
    throw error;
  } finally {
    await Promise.allSettled(all);
  }
}
