// Times of PAX headers: decimal seconds with any number of digits after the point.
import { BerthError } from '../../../domain/errors.js';

const nanosPerSecond = 1_000_000_000n;
const nanoDigits = 9;
/** Digits of the seconds: enough for the age of the universe. */
const pattern = /^(-?)([0-9]{1,18})(?:\.([0-9]*))?$/;

/** Digits beyond the nanosecond are dropped. Throws `invalid-argument` for what is no time. */
export function nanosFromPaxTime(text: string): bigint {
  const [, sign, seconds, fraction = ''] = pattern.exec(text) ?? [];
  if (seconds === undefined) throw new BerthError('invalid-argument', `broken PAX header: ${text} is no time`);
  const nanos = BigInt(seconds) * nanosPerSecond + BigInt(fraction.slice(0, nanoDigits).padEnd(nanoDigits, '0'));
  return sign === '-' ? -nanos : nanos;
}
