// Where a shim that containerd has started listens, and how it says so. The path depends on the container alone, is short
// whatever the ids, and lies where containerd's own shims have theirs.
import { createHash } from 'node:crypto';

const socketDirectory = '/run/containerd/s';
/** The newest version of the task API that this shim serves, and the first whose daemons read JSON. */
const taskApiVersion = 3;

export interface ShimPlace {
  /** containerd's gRPC address: two daemons on one host may have a container of the same name. */
  readonly address: string;
  readonly namespace: string;
  readonly id: string;
}

export function socketPath({ address, namespace, id }: ShimPlace): string {
  const hash = createHash('sha256').update(`berth\0${address}\0${namespace}\0${id}`).digest('hex');
  return `${socketDirectory}/${hash}`;
}

/** `maxVersion` is MAX_SHIM_VERSION. A bare address means version 2, and is what every containerd understands. */
export function startAnswer(path: string, maxVersion: string | undefined): string {
  const address = `unix://${path}`;
  if (Number(maxVersion ?? '') >= taskApiVersion) {
    return JSON.stringify({ version: taskApiVersion, address, protocol: 'ttrpc' });
  }
  return address;
}
