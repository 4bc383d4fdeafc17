// For assert.rejects: a call that the server refused with a status and words.
import assert from 'node:assert/strict';
import type { status } from '@grpc/grpc-js';
import { isServiceError } from './rpc.js';

export function refusedWith(code: status, pattern: RegExp): (error: unknown) => true {
  return (error) => {
    if (isServiceError(error) && error.code === code && pattern.test(error.details)) return true;
    return assert.fail(`expected status ${code} and ${pattern}: ${String(error)}`);
  };
}
