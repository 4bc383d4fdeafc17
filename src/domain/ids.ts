// Identifiers as containerd accepts them (its identifiers package): runs of letters and digits joined by single
// '.', '_' or '-', at most 76 characters. Checked before any path is built from one.
import { BerthError } from './errors.js';

/** Characters; containerd's limit, so that names made from an id still fit a label or a host name. */
export const maxIdLength = 76;

const idPattern = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;

export function isValidId(id: string): boolean {
  return id.length <= maxIdLength && idPattern.test(id);
}

/** Throws `invalid-argument` unless `id` is a valid identifier; `what` names the field in the message. */
export function checkId(what: string, id: string): void {
  if (id === '') throw new BerthError('invalid-argument', `${what} must not be empty`);
  if (id.length > maxIdLength) {
    throw new BerthError(
      'invalid-argument',
      `${what} "${id.slice(0, 16)}..." has ${id.length} characters, more than the ${maxIdLength} allowed`,
    );
  }
  if (!idPattern.test(id)) {
    throw new BerthError('invalid-argument', `${what} ${JSON.stringify(id)} must match ${idPattern.source}`);
  }
}

/** One container's identity: the same id in two namespaces is two containers. */
export interface ContainerKey {
  readonly namespace: string;
  readonly id: string;
}

/** A single string for maps and queues; '/' cannot occur in a valid id. */
export function keyString(key: ContainerKey): string {
  return `${key.namespace}/${key.id}`;
}
