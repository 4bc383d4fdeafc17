// The one error class of Berth. Every failure a caller may see has a kind of this closed set; the wires map the kind
// to a status code through `statusCodes`, so a new kind cannot be forgotten.

/** Google's canonical codes (google.rpc.Code), which gRPC and ttrpc share. */
export const statusCodes = {
  cancelled: 1,
  unknown: 2,
  'invalid-argument': 3,
  'deadline-exceeded': 4,
  'not-found': 5,
  'already-exists': 6,
  'permission-denied': 7,
  'resource-exhausted': 8,
  'failed-precondition': 9,
  aborted: 10,
  'out-of-range': 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  'data-loss': 15,
} as const satisfies Record<string, number>;

export type ErrorKind = keyof typeof statusCodes;

/** The ids of the object a failure is about; they travel to the log as fields. */
export interface ErrorSubject {
  readonly namespace?: string;
  readonly containerId?: string;
  readonly execId?: string;
}

export class BerthError extends Error {
  override readonly name = 'BerthError';

  /** `message` is lower case, without a full stop, and names the object. */
  constructor(
    readonly kind: ErrorKind,
    message: string,
    options: { readonly cause?: unknown; readonly subject?: ErrorSubject } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.subject = options.subject ?? {};
  }

  readonly subject: ErrorSubject;
}

export function isBerthError(error: unknown, kind?: ErrorKind): error is BerthError {
  return error instanceof BerthError && (kind === undefined || error.kind === kind);
}

/** What the state of a file system, and no fault of the caller's, keeps from being done; the caller may try again. */
const kindsOfStorageErrors: ReadonlyMap<unknown, ErrorKind> = new Map([
  ['ENOSPC', 'resource-exhausted'],
  ['EDQUOT', 'resource-exhausted'],
  ['EROFS', 'unavailable'],
  ['EIO', 'unavailable'],
]);

/** Undefined for whatever is not a system call's word on a file system that is full, read-only or broken. */
export function kindOfStorageError(error: unknown): ErrorKind | undefined {
  return error instanceof Error && 'code' in error ? kindsOfStorageErrors.get(error.code) : undefined;
}

/** The kind a status code stands for; codes outside the canonical set are `unknown`. */
export function kindFromStatusCode(code: number): ErrorKind {
  for (const [kind, value] of Object.entries(statusCodes)) {
    if (value === code) return kind as ErrorKind;
  }
  return 'unknown';
}

/**
 * The failure itself, where undoing what it left half done failed as well: `await using` then throws a SuppressedError,
 * which says nothing of either.
 */
export function originalError(thrown: unknown): unknown {
  let error = thrown;
  while (error instanceof Error && error.name === 'SuppressedError' && 'suppressed' in error) error = error.suppressed;
  return error;
}

/** The text of anything thrown. */
export function messageOf(thrown: unknown): string {
  const error = originalError(thrown);
  return error instanceof Error ? error.message : String(error);
}
