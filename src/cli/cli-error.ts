// What ends a command early: a mistake in how it was called, or an end with a code and no message of Berth's.
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
