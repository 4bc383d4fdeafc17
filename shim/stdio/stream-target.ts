// Where a client wants a stream: nowhere, a FIFO, a file. Named by a bare path or by a URI.
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BerthError, messageOf } from '../../src/domain/errors.js';
import { isSystemError } from '../../src/linux/libc.js';

export type StreamTarget =
  | { readonly kind: 'none' }
  | { readonly kind: 'fifo'; readonly path: string }
  /** `create` where the client asked for a file; a bare path must be there. */
  | { readonly kind: 'file'; readonly path: string; readonly create: boolean };

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
      throw new BerthError('invalid-argument', `${name} ${uri}: log drivers (binary://) are not supported`);
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
    return fileURLToPath(uri.replace(/^fifo:/, 'file:'));
  } catch (error) {
    throw new BerthError('invalid-argument', `${name} ${uri}: ${messageOf(error)}`, { cause: error });
  }
}
