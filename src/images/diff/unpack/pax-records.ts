// PAX extended headers: `LENGTH KEY=VALUE\n`, one after the other. Keys and values are bytes, one per character: extended
// attributes are binary, and names need not be UTF-8.
import { BerthError } from '../../../domain/errors.js';

export type PaxRecords = Readonly<Record<string, string>>;

const zero = 0x30;
const nine = 0x39;
const space = 0x20;
const newline = 0x0a;
const equals = 0x3d;
/** Digits of a length: headers are at most a few megabytes. */
const maxLengthDigits = 9;

/** Of GNU's sparse files in version 0.0: one after the other, for each part; together they are what 0.1 has as one record. */
const sparseKeys = ['GNU.sparse.offset', 'GNU.sparse.numbytes'];

/** Throws `invalid-argument` for what is no list of records. The last of several records of one key wins. */
export function decodePax(bytes: Uint8Array): PaxRecords {
  const records: Record<string, string> = Object.create(null) as Record<string, string>;
  const sparse: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    const { length, contentStart } = recordLength(bytes, start);
    const end = start + length;
    if (end > bytes.length || bytes[end - 1] !== newline) throw broken('a record does not end where it says');
    const separator = bytes.indexOf(equals, contentStart);
    if (separator < 0 || separator >= end - 1 || separator === contentStart) throw broken('a record has no key');
    const key = textOf(bytes.subarray(contentStart, separator));
    const value = textOf(bytes.subarray(separator + 1, end - 1));
    if (sparseKeys.includes(key)) {
      if (key !== sparseKeys[sparse.length % 2] || value.includes(',')) throw broken('a sparse file has half a part');
      sparse.push(value);
    } else records[key] = value;
    start = end;
  }
  if (sparse.length > 0) records['GNU.sparse.map'] = sparse.join(',');
  return records;
}

function recordLength(bytes: Uint8Array, start: number): { readonly length: number; readonly contentStart: number } {
  let length = 0;
  for (let at = start; at < start + maxLengthDigits && at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === space && at > start && length > at - start) return { length, contentStart: at + 1 };
    if (byte < zero || byte > nine) break;
    length = length * 10 + byte - zero;
  }
  throw broken('a record has no length');
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function broken(what: string): BerthError {
  return new BerthError('invalid-argument', `broken PAX header: ${what}`);
}
