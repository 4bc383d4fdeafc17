// Protobuf messages as plain JSON values: times as RFC 3339, 64-bit integers as numbers where exact, bytes as base64,
// and Any decoded where its type is known (as protobuf's own JSON mapping has it, with '@type').
import { formatNanos } from '../domain/time.js';
import { decodeAny } from './any-types.js';
import type { Any } from '../generated/google/protobuf/any.js';
import type { Timestamp } from '../generated/google/protobuf/timestamp.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const nanosPerSecond = 1_000_000_000n;

/** Members that are undefined are left out. */
export function jsonFromMessage(value: unknown): Json {
  switch (typeof value) {
    case 'bigint':
      return jsonFromInteger(value);
    case 'string':
    case 'number':
    case 'boolean':
      return value;
    case 'object':
      return value === null ? null : jsonFromObject(value);
    default:
      return null;
  }
}

/** RFC 3339 with nanoseconds; null where the message has no time, or Go's zero time. */
export function jsonFromTimestamp(time: Timestamp | undefined): string | null {
  if (time === undefined || time.seconds < 0n) return null;
  return formatNanos(nanosFromTimestamp(time));
}

export function nanosFromTimestamp(time: Timestamp): bigint {
  return time.seconds * nanosPerSecond + BigInt(time.nanos);
}

function jsonFromObject(value: object): Json {
  if (Array.isArray(value)) return value.map(jsonFromMessage);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (isTimestamp(value)) return jsonFromTimestamp(value);
  if (isAny(value)) return jsonFromAny(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, jsonFromMessage(member)]));
}

function jsonFromAny(any: Any): Json {
  const decoded = jsonFromMessage(decodeAny(any));
  if (typeof decoded !== 'object' || decoded === null || Array.isArray(decoded)) {
    return { '@type': any.typeUrl, value: decoded };
  }
  return { '@type': any.typeUrl, ...decoded };
}

function jsonFromInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function isTimestamp(value: object): value is Timestamp {
  return hasExactly(value, 'seconds', 'nanos') && 'seconds' in value && typeof value.seconds === 'bigint';
}

function isAny(value: object): value is Any {
  return hasExactly(value, 'typeUrl', 'value') && 'value' in value && value.value instanceof Uint8Array;
}

function hasExactly(value: object, ...keys: string[]): boolean {
  return Object.keys(value).length === keys.length && keys.every((key) => Object.hasOwn(value, key));
}
