// Points in time on the command line: RFC 3339, seconds since 1970, or how long ago.
import { UsageError } from '../cli-error.js';
import type { Timestamp } from '../../generated/google/protobuf/timestamp.js';
import { parseDuration } from './duration.js';

const nanosDigits = 9;

/** `now` is in milliseconds since 1970. */
export function parseMoment(what: string, text: string, now = Date.now()): Timestamp {
  const seconds = /^(\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (seconds !== null) {
    return { seconds: BigInt(seconds[1] ?? 0), nanos: Number((seconds[2] ?? '').padEnd(nanosDigits, '0')) };
  }
  if (/^\d{4}-/.test(text)) return fromDate(what, text);
  if (/[a-z]$/.test(text)) return fromMillis(now - parseDuration(what, text));
  throw new UsageError(`${what} ${JSON.stringify(text)} is no time such as 2026-01-31T10:00:00Z, 1767225600 or 10m`);
}

/** A date alone is its midnight in UTC, as is a time without a zone: berth prints times in UTC. */
function fromDate(what: string, text: string): Timestamp {
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?)?$/i.exec(text);
  const [, date = '', time = '00:00', fraction = '', zone = 'Z'] = match ?? [];
  const at = Date.parse(`${date}T${time}${zone.toUpperCase()}`);
  if (match === null || Number.isNaN(at)) throw new UsageError(`${what} ${JSON.stringify(text)} is no such time`);
  return { ...fromMillis(at), nanos: Number(fraction.padEnd(nanosDigits, '0')) };
}

function fromMillis(millis: number): Timestamp {
  const whole = Math.max(0, Math.floor(millis));
  return { seconds: BigInt(Math.floor(whole / 1000)), nanos: (whole % 1000) * 1_000_000 };
}
