// Where a client wants a stream: nowhere, a FIFO, a file. Named by a bare path or by a URI.
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BerthError, messageOf } from '../../src/domain/errors.js';
import { isSystemError } from '../../src/linux/libc.js';

export type StreamTarget =
  | { readonly kind: 'none' }
  | { readonly kind: 'fifo'; readonly path: string }
  | DriverTarget
  /** `create` where the client asked for a file; a bare path must be there. */
  | { readonly kind: 'file'; readonly path: string; readonly create: boolean };

/** A log driver: a program that takes the output, with its arguments. */
export interface DriverTarget {
  readonly kind: 'driver';
  readonly uri: string;
  readonly path: string;
  readonly args: readonly string[];
}

/** `name` is the stream's, for the message; throws `invalid-argument` for what is no stream Berth can serve. */
export function streamTarget(name: string, uri: string): StreamTarget {
  if (uri === '') return { kind: 'none' };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri)?.[1];
  if (scheme === undefined) return existingTarget(name, uri);
  switch (scheme) {
    case 'fifo':
      return existingTarget(name, pathOf(name, uri));
    case 'file':
      return { kind: 'file', path: pathOf(name, uri), create: true };
    case 'binary':
      if (name === 'stdin') throw new BerthError('invalid-argument', `stdin ${uri}: a log driver gives no input`);
      return { kind: 'driver', uri, path: pathOf(name, uri.replace(/\?.*$/s, '')), args: driverArguments(uri) };
    default:
      throw new BerthError('invalid-argument', `${name} ${uri}: unknown scheme ${scheme}`);
  }
}

/** As containerd: a path that is no FIFO is opened as a file, and one that is not there is an error. */
function existingTarget(name: string, path: string): StreamTarget {
  if (!path.startsWith('/')) throw new BerthError('invalid-argument', `${name} ${path}: not an absolute path`);
  try {
    const stat = statSync(path);
    if (stat.isFIFO()) return { kind: 'fifo', path };
    if (stat.isFile() || stat.isCharacterDevice()) return { kind: 'file', path, create: false };
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error;
    throw new BerthError('invalid-argument', `${name} ${path}: no such file or directory`, { cause: error });
  }
  throw new BerthError('invalid-argument', `${name} ${path}: neither a FIFO nor a file`);
}

function pathOf(name: string, uri: string): string {
  try {
    return fileURLToPath(uri.replace(/^(fifo|binary):/, 'file:'));
  } catch (error) {
    throw new BerthError('invalid-argument', `${name} ${uri}: ${messageOf(error)}`, { cause: error });
  }
}

/** Of a query string, as containerd has it: each name, and the first of its values. */
function driverArguments(uri: string): string[] {
  const query = uri.includes('?') ? uri.slice(uri.indexOf('?') + 1) : '';
  const first = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(query)) if (!first.has(key)) first.set(key, value);
  return [...first].flat();
}
