// Between the records' values and the well-known messages of the wire: Timestamp and Any.
import type { TypedValue } from '../domain/records.js';
import type { UnixNanos } from '../domain/time.js';
import type { Any } from '../generated/google/protobuf/any.js';
import type { Timestamp } from '../generated/google/protobuf/timestamp.js';

const nanosPerSecond = 1_000_000_000n;

/** Zero means 'never' in the records and stays unset on the wire. */
export function timestampFromNanos(time: UnixNanos): Timestamp | undefined {
  if (time === 0n) return undefined;
  return { seconds: time / nanosPerSecond, nanos: Number(time % nanosPerSecond) };
}

export function nanosFromTimestamp(timestamp: Timestamp | undefined): UnixNanos {
  if (timestamp === undefined) return 0n;
  return timestamp.seconds * nanosPerSecond + BigInt(timestamp.nanos);
}

export function anyFromTyped(typed: TypedValue | undefined): Any | undefined {
  if (typed === undefined) return undefined;
  const { buffer, byteOffset, byteLength } = typed.value;
  return { typeUrl: typed.typeUrl, value: Buffer.from(buffer, byteOffset, byteLength) };
}

export function typedFromAny(any: Any | undefined): TypedValue | undefined {
  return any === undefined ? undefined : { typeUrl: any.typeUrl, value: any.value };
}
