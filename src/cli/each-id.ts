// Does one thing to each of several containers: all are tried, one after the other, and each failure is told.
import { messageOf } from '../domain/errors.js';
import { ExitError } from './cli-error.js';
import { exitCodes } from './exit-codes.js';
import type { Session } from './session.js';

/** Prints the id of each that succeeded; ends with code 1 and a message where any did not. */
export async function forEachId(
  session: Session,
  ids: readonly string[],
  work: (id: string) => Promise<void>,
): Promise<void> {
  await tryEach(ids, async (id) => {
    await work(id);
    session.printId(id);
  });
}

/** The same for work that prints by itself. */
export async function tryEach(ids: readonly string[], work: (id: string) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  for (const id of new Set(ids)) {
    try {
      await work(id);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 0) return;
  throw new ExitError(exitCodes.failed, failures.map(messageOf).join('; '), { cause: failures[0] });
}
