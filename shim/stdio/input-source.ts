// A client's stdin as the shim reads it. Of a FIFO a write end of our own keeps the end of file away until CloseIO, so
// that a client may go and another attach.
import { closeSync, constants, createReadStream, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { StreamTarget } from './stream-target.js';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

export interface InputSource {
  readonly stream: Readable;
  /** End of file comes once the clients' own ends are closed too. */
  release(): void;
}

export function openInput(target: Exclude<StreamTarget, { kind: 'none' }>): InputSource {
  if (target.kind === 'file') return { stream: createReadStream(target.path), release: () => undefined };
  const reader = openSync(target.path, O_RDONLY | O_NONBLOCK);
  let keeper = openKeeper(reader);
  const stream = new Socket({ fd: reader, readable: true, writable: false });
  const release = (): void => {
    if (keeper >= 0) closeSync(keeper);
    keeper = -1;
  };
  stream.once('close', release);
  return { stream, release };
}

/** Through the descriptor, since by its name another FIFO might be reached. */
function openKeeper(reader: number): number {
  try {
    return openSync(`/proc/self/fd/${reader}`, O_WRONLY | O_NONBLOCK);
  } catch (error) {
    closeSync(reader);
    throw error;
  }
}
