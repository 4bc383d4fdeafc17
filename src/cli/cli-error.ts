// What ends a command early: a mistake in how it was called, an end with a code, our own output that takes no more.
import { BerthError, messageOf } from '../domain/errors.js';

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Ends the command with `code`; a message is printed only where there is one. */
export class ExitError extends Error {
  override readonly name = 'ExitError';

  constructor(
    readonly code: number,
    message = '',
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options);
  }
}

export function outputFailure(cause: unknown): BerthError {
  return new BerthError('data-loss', `cannot write to standard output: ${messageOf(cause)}`, { cause });
}
