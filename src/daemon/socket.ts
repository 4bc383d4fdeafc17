// The API's socket path: a dead daemon's socket is removed, a living one's is left alone.
import { statSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { BerthError } from '../domain/errors.js';

/** Linux's limit for a socket's path, less the closing zero. */
const maxSocketPathBytes = 107;

/** Throws `failed-precondition` when somebody serves on `path`, or when it is no socket. */
export async function claimSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw new BerthError('invalid-argument', `the address ${path} is longer than ${maxSocketPathBytes} bytes`);
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new BerthError('failed-precondition', `${path} is there and is no socket`);
  if (await isServed(path)) throw new BerthError('failed-precondition', `another process serves on ${path}`);
  unlinkSync(path);
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}
