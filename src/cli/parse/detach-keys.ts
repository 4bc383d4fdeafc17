// Detach keys in podman's and docker's syntax: a comma-separated sequence of single characters and ctrl-KEY.
import { UsageError } from '../cli-error.js';

export const defaultDetachKeys = 'ctrl-p,ctrl-q';

/** Of ctrl-a, whose byte is 1: the byte of ctrl-KEY is KEY's code without the bits above these. */
const controlMask = 0x1f;

/** The bytes that the keys send; none where `text` is empty, which is how detaching is switched off. */
export function parseDetachKeys(text: string): Buffer {
  if (text === '') return Buffer.alloc(0);
  return Buffer.from(text.split(',').map((key) => byteOf(key, text)));
}

function byteOf(key: string, text: string): number {
  if (/^[\u0020-\u007e]$/.test(key)) return key.charCodeAt(0);
  const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) & controlMask;
  const what = key === '' ? 'an empty key' : `the key ${JSON.stringify(key)}`;
  throw new UsageError(
    `detach keys ${JSON.stringify(text)}: ${what} is neither one character nor ctrl- and one of a-z, @, [, \\, ], ^, _`,
  );
}
