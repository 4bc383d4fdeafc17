// One entry of a layer as it is to be made, checked: names are bytes, relative and without '..', numbers are in range.
import { BerthError } from '../../../domain/errors.js';
import { type BytePath, textFromBytePath } from '../../../linux/byte-path.js';
import { nanosFromPaxTime } from './pax-time.js';
import type { TarHeader } from './tar-parser.js';

export const entryKinds = ['file', 'directory', 'symlink', 'link', 'character-device', 'block-device', 'fifo'] as const;

export type EntryKind = (typeof entryKinds)[number];

export interface LayerEntry {
  /** Below the root; empty for the root itself. */
  readonly name: BytePath;
  readonly kind: EntryKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content; 0 for all but files. */
  readonly size: number;
  readonly modifiedNanos: bigint;
  readonly accessedNanos: bigint;
  /** A symbolic link's target as it is, or what a hard link names, below the root. */
  readonly linkName: BytePath;
  readonly major: number;
  readonly minor: number;
  /** Extended attributes by name, values as bytes. */
  readonly attributes: ReadonlyMap<BytePath, BytePath>;
}

/** PATH_MAX of Linux, less the closing zero. */
const maxPathBytes = 4095;
const modeBits = 0o7777;
/** The largest user and group id; the one above means 'leave it'. */
const maxId = 0xffff_fffe;
const maxDeviceNumber = 0xffff_ffff;
const attributePrefix = 'SCHILY.xattr.';
const nanosPerMilli = 1_000_000n;
const maxTimeNanos = 2n ** 63n - 1n;

/** Throws `invalid-argument`, naming the entry, for one that cannot be or must not be. */
export function entryFromHeader(header: TarHeader): LayerEntry {
  const pax = header.pax ?? {};
  const kind = kindOf(header);
  const name = cleanName(header.name, header.name);
  const modifiedNanos = boundedTime(timeOf(header, pax['mtime']));
  const accessedNanos = pax['atime'] === undefined ? 0n : boundedTime(nanosFromPaxTime(pax['atime']));
  return {
    name,
    kind,
    mode: checkedNumber(header, 'mode', header.mode, Number.MAX_SAFE_INTEGER) & modeBits,
    uid: checkedNumber(header, 'uid', decimalOr(pax['uid'], header.uid), maxId),
    gid: checkedNumber(header, 'gid', decimalOr(pax['gid'], header.gid), maxId),
    size: kind === 'file' ? checkedNumber(header, 'size', header.size, Number.MAX_SAFE_INTEGER) : 0,
    modifiedNanos,
    // As containerd: a file cannot have been read before it was written.
    accessedNanos: accessedNanos > modifiedNanos ? accessedNanos : modifiedNanos,
    linkName: linkNameOf(header, kind),
    major: isDevice(kind) ? checkedNumber(header, 'device', header.devmajor, maxDeviceNumber) : 0,
    minor: isDevice(kind) ? checkedNumber(header, 'device', header.devminor, maxDeviceNumber) : 0,
    attributes: attributesOf(pax),
  };
}

export function entryError(name: BytePath, what: string): BerthError {
  return new BerthError('invalid-argument', `entry ${JSON.stringify(textFromBytePath(name).slice(0, 256))}: ${what}`);
}

function kindOf({ type, name }: TarHeader): EntryKind {
  const kind = entryKinds.find((known) => known === type);
  if (kind === undefined) throw entryError(name, `entries of type ${type ?? 'unknown'} are not supported`);
  return kind;
}

/** As Go's path.Clean, from the root on: a leading slash means nothing, but '..' must not lead out. */
function cleanName(name: BytePath, entry: BytePath): BytePath {
  if (name.includes('\0')) throw entryError(entry, 'the name has a zero byte');
  const kept: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') kept.push(part);
    else if (kept.pop() === undefined) throw entryError(entry, `${textFromBytePath(name)} leads out of the layer`);
  }
  const clean = kept.join('/');
  if (clean.length > maxPathBytes) throw entryError(entry, `the name has more than ${maxPathBytes} bytes`);
  return clean;
}

function linkNameOf({ name, linkname }: TarHeader, kind: EntryKind): BytePath {
  if (kind !== 'link' && kind !== 'symlink') return '';
  const target = linkname ?? '';
  if (target === '' || target.includes('\0')) throw entryError(name, 'the link has no target');
  if (target.length > maxPathBytes) throw entryError(name, `the target has more than ${maxPathBytes} bytes`);
  return kind === 'symlink' ? target : cleanName(target, name);
}

function isDevice(kind: EntryKind): boolean {
  return kind === 'character-device' || kind === 'block-device';
}

function attributesOf(pax: Readonly<Record<string, string>>): ReadonlyMap<BytePath, BytePath> {
  const attributes = new Map<BytePath, BytePath>();
  for (const [key, value] of Object.entries(pax)) {
    if (key.startsWith(attributePrefix)) attributes.set(key.slice(attributePrefix.length), value);
  }
  return attributes;
}

function decimalOr(text: string | undefined, otherwise: number): number {
  if (text === undefined || text === '') return otherwise;
  return /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
}

function checkedNumber({ name }: TarHeader, what: string, value: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  throw entryError(name, `its ${what} is no number that can be`);
}

function timeOf({ name, mtime }: TarHeader, paxTime: string | undefined): bigint {
  if (paxTime !== undefined && paxTime !== '') return nanosFromPaxTime(paxTime);
  const millis = mtime.getTime();
  if (!Number.isSafeInteger(millis)) throw entryError(name, 'its time is no time');
  return BigInt(millis) * nanosPerMilli;
}

/** containerd's rule: what lies outside of 1970 to 2262 becomes 1970. */
function boundedTime(nanos: bigint): bigint {
  return nanos < 0n || nanos > maxTimeNanos ? 0n : nanos;
}
