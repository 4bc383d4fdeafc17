// What a fork leaves out. V8 marks pages MADV_DONTFORK, and a child without them works until it touches one. So every
// mapping is marked MADV_DOFORK before the fork, and the child's list of mappings is compared with ours after it. Both
// work in memory set aside beforehand: a page mapped in between would be one that is missing.
import { closeSync, openSync, readSync } from 'node:fs';
import { bindLibc, isSystemError } from './libc.js';

const MADV_DOFORK = 11;
/** A Node process has 150 mappings of about 60 bytes each; thirty times that. */
const maxMapsBytes = 256 * 1024;

const newline = 0x0a;
const space = 0x20;
const dash = 0x2d;
const digitZero = 0x30;
const digitNine = 0x39;
const openBracket = 0x5b;
const lowerA = 0x61;
const lowerV = 0x76;

const madvise = bindLibc('int madvise(size_t address, size_t length, int advice)');

const own = Buffer.alloc(maxMapsBytes);
const other = Buffer.alloc(maxMapsBytes);

/** Marks every mapping of this process for inheritance, but the kernel's own ([vvar], [vdso], ...). */
export function markMappingsForFork(): void {
  const length = readMaps('/proc/self/maps', own);
  for (let position = 0; position < length; position++) {
    let start = 0;
    for (; own[position] !== dash; position++) start = start * 16 + hexDigit(own[position]);
    let end = 0;
    for (position++; own[position] !== space; position++) end = end * 16 + hexDigit(own[position]);
    let isKernels = false;
    for (; position < length && own[position] !== newline; position++) {
      if (own[position] === openBracket && own[position + 1] === lowerV) isKernels = true;
    }
    // A mapping that refuses is found by the comparison.
    if (!isKernels) madvise(start, end - start, MADV_DOFORK);
  }
}

/** Whether `pid`, forked a moment ago and not running yet, has every mapping that this process has. */
export function hasAllMappings(pid: number): boolean {
  const expected = readMaps('/proc/self/maps', own);
  const found = readMaps(`/proc/${pid}/maps`, other);
  return expected === found && own.compare(other, 0, found, 0, expected) === 0;
}

function hexDigit(character: number | undefined = digitZero): number {
  return character <= digitNine ? character - digitZero : character - lowerA + 10;
}

/** Its length in bytes; 0 when there is no such process any more. */
function readMaps(path: string, into: Buffer): number {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ESRCH')) return 0;
    throw error;
  }
  try {
    let length = 0;
    for (;;) {
      const count = readSync(fd, into, length, into.length - length, null);
      if (count === 0) return length;
      length += count;
    }
  } catch (error) {
    if (isSystemError(error, 'ESRCH')) return 0;
    throw error;
  } finally {
    closeSync(fd);
  }
}
