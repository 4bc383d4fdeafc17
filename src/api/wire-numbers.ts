// Numbers and times that clients send, held to what can be kept and told again: one that could not would make every later
// answer that has it fail.
import { BerthError } from '../domain/errors.js';
import type { UnixNanos } from '../domain/time.js';
import type { Timestamp } from '../generated/google/protobuf/timestamp.js';
import { nanosFromTimestamp } from '../supervisor/wire-values.js';

/** google.protobuf.Timestamp's own limits: the years 1 to 9999. */
const minSeconds = -62_135_596_800n;
const maxSeconds = 253_402_300_799n;
const nanosPerSecond = 1_000_000_000;

/** Throws `invalid-argument` beyond what a number holds exactly. */
export function numberFromWire(what: string, value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new BerthError('invalid-argument', `${what} ${value} is out of range`);
  return number;
}

/** Throws `invalid-argument` for what is no time. */
export function timeFromWire(what: string, timestamp: Timestamp): UnixNanos {
  const { seconds, nanos } = timestamp;
  if (seconds < minSeconds || seconds > maxSeconds || nanos < 0 || nanos >= nanosPerSecond) {
    throw new BerthError('invalid-argument', `${what} of ${seconds} s and ${nanos} ns is no time`);
  }
  return nanosFromTimestamp(timestamp);
}
