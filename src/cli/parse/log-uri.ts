// --log-uri: where a detached container's output goes, as the stdio URIs of containerd's API.
import { resolve } from 'node:path';
import { UsageError } from '../cli-error.js';

const schemes = ['file', 'binary', 'fifo'];

/** A URI of a known scheme as it is; a bare path as file://. */
export function logUriFromText(text: string, workingDirectory: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
  if (scheme === undefined && text !== '') return `file://${resolve(workingDirectory, text)}`;
  if (scheme === undefined || !schemes.includes(scheme.toLowerCase())) {
    throw new UsageError(`log uri ${JSON.stringify(text)} is not a path, file://, binary:// or fifo://`);
  }
  return text;
}
