// Errors become gRPC statuses here and nowhere else. What nobody foresaw is INTERNAL, and is logged once with its stack.
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Log } from '../base/log.js';
import { BerthError, kindOfStorageError, messageOf, originalError, statusCodes } from '../domain/errors.js';

/** An error as grpc-js sends it; `message` has its characters outside printable ASCII percent-encoded by grpc-js. */
export function statusFromError(thrown: unknown, log: Log): ServiceError {
  const error = originalError(thrown);
  if (error !== thrown) log.warn('what a failed call left half done could not be undone', { error: thrown });
  if (error instanceof BerthError) {
    const fields = { ...error.subject, kind: error.kind, reason: error.message };
    log.debug('a call was refused', fields);
    return serviceError(statusCodes[error.kind], error.message);
  }
  const kind = kindOfStorageError(error);
  if (kind !== undefined) {
    log.error('a call failed, as a file system takes no writes', { error });
    return serviceError(statusCodes[kind], messageOf(error));
  }
  log.error('a call failed unexpectedly', { error });
  return serviceError(statusCodes.internal, messageOf(error));
}

function serviceError(code: number, details: string): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata: new Metadata() });
}
