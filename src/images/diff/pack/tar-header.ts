// Writes tar headers: ustar, with a PAX header before it for what ustar cannot say. The same entry gives the same bytes.
import type { BytePath } from '../../../linux/byte-path.js';
import type { EntryKind } from '../unpack/layer-entry.js';

export interface PackedEntry {
  /** Below the root; a directory's ends with a slash. */
  readonly name: BytePath;
  readonly kind: EntryKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content. */
  readonly size: number;
  readonly modifiedSeconds: bigint;
  readonly linkName: BytePath;
  readonly major: number;
  readonly minor: number;
  readonly attributes: ReadonlyMap<BytePath, Uint8Array>;
}

export const blockBytes = 512;
const typeFlags: Readonly<Record<EntryKind, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};
const paxTypeFlag = 'x';
const paxName = 'PaxHeader';
const nameBytes = 100;
const prefixBytes = 155;
/** The largest numbers that the octal fields hold. */
const maxId = 0o7_777_777;
const maxSize = 0o77_777_777_777;

/** The blocks before the content. */
export function encodeHeader(entry: PackedEntry): Buffer {
  const records = paxRecordsOf(entry);
  const header = ustarHeader(entry, typeFlags[entry.kind]);
  if (records.length === 0) return header;
  const content = Buffer.concat(records);
  const pax = { ...emptyEntry, name: paxName, size: content.length };
  return Buffer.concat([ustarHeader(pax, paxTypeFlag), content, padding(content.length), header]);
}

/** What fills the last block of so many bytes. */
export function padding(size: number): Buffer {
  return Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes);
}

/** Two blocks of zeros. */
export const endOfArchive: Buffer = Buffer.alloc(2 * blockBytes);

const emptyEntry: Omit<PackedEntry, 'name' | 'size'> = {
  kind: 'file',
  mode: 0,
  uid: 0,
  gid: 0,
  modifiedSeconds: 0n,
  linkName: '',
  major: 0,
  minor: 0,
  attributes: new Map(),
};

function paxRecordsOf(entry: PackedEntry): Buffer[] {
  const { name, linkName, uid, gid, size, modifiedSeconds } = entry;
  const records: Buffer[] = [];
  const add = (key: BytePath, value: Uint8Array): void => {
    records.push(paxRecord(key, value));
  };
  const addText = (key: string, value: string): void => add(key, Buffer.from(value, 'latin1'));
  if (splitName(name) === undefined) addText('path', name);
  if (linkName.length > nameBytes || !isAscii(linkName)) addText('linkpath', linkName);
  if (uid > maxId) addText('uid', String(uid));
  if (gid > maxId) addText('gid', String(gid));
  if (size > maxSize) addText('size', String(size));
  if (!isSmallTime(modifiedSeconds)) addText('mtime', String(modifiedSeconds));
  for (const attribute of [...entry.attributes.keys()].sort()) {
    add(`SCHILY.xattr.${attribute}`, entry.attributes.get(attribute) ?? Buffer.alloc(0));
  }
  return records;
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: BytePath, value: Uint8Array): Buffer {
  const content = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')]);
  let digits = String(content.length).length;
  if (String(content.length + digits).length > digits) digits++;
  return Buffer.concat([Buffer.from(String(content.length + digits)), content]);
}

function ustarHeader(entry: PackedEntry, typeFlag: string): Buffer {
  const block = Buffer.alloc(blockBytes);
  const { name, prefix } = splitName(entry.name) ?? { name: asciiPart(entry.name), prefix: '' };
  block.write(name, 0, nameBytes, 'latin1');
  writeOctal(block, 100, 7, entry.mode);
  writeOctal(block, 108, 7, entry.uid > maxId ? 0 : entry.uid);
  writeOctal(block, 116, 7, entry.gid > maxId ? 0 : entry.gid);
  writeOctal(block, 124, 11, entry.size > maxSize ? 0 : entry.size);
  writeOctal(block, 136, 11, isSmallTime(entry.modifiedSeconds) ? Number(entry.modifiedSeconds) : 0);
  block.write(typeFlag, 156, 'latin1');
  block.write(asciiPart(entry.linkName), 157, nameBytes, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  writeOctal(block, 329, 7, entry.major);
  writeOctal(block, 337, 7, entry.minor);
  block.write(prefix, 345, prefixBytes, 'latin1');
  block.write(`${checksumOf(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** As ustar has long names: up to 155 bytes of directories apart. Undefined for what it cannot hold. */
function splitName(whole: BytePath): { readonly name: string; readonly prefix: string } | undefined {
  if (!isAscii(whole)) return undefined;
  if (whole.length <= nameBytes) return { name: whole, prefix: '' };
  const at = whole.indexOf('/', whole.length - nameBytes - 1);
  if (at < 1 || at > prefixBytes || at === whole.length - 1) return undefined;
  return { name: whole.slice(at + 1), prefix: whole.slice(0, at) };
}

/** What readers without PAX get to see. */
function asciiPart(name: BytePath): string {
  return name.replaceAll(/[^\x20-\x7e]/g, '_').slice(0, nameBytes);
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

function isSmallTime(seconds: bigint): boolean {
  return seconds >= 0n && seconds <= BigInt(maxSize);
}

function writeOctal(block: Buffer, offset: number, digits: number, value: number): void {
  block.write(value.toString(8).padStart(digits, '0'), offset, 'latin1');
}

/** Of the block with spaces in the checksum's place. */
function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20;
  for (const [index, byte] of block.entries()) if (index < 148 || index >= 156) sum += byte;
  return sum;
}
