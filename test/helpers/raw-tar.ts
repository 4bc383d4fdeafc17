// Tar archives made byte by byte, so that they can say what no tool would write. Shares nothing with the code under test.

export interface RawEntry {
  readonly name: string;
  /** The type's character; a file. */
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** What the header says; the content's own size unless it is to lie. */
  readonly size?: number;
  readonly mtime?: number;
  readonly linkName?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly content?: string | Uint8Array;
  /** Records of a PAX header before the entry; values are bytes, one per character. */
  readonly pax?: Readonly<Record<string, string>>;
  readonly magic?: string;
}

const block = 512;

/** Names and values are written one byte per character. */
export function rawTar(entries: readonly (RawEntry | Buffer)[], { end = true } = {}): Buffer {
  const parts = entries.map((entry) => (Buffer.isBuffer(entry) ? entry : rawEntry(entry)));
  return Buffer.concat([...parts, ...(end ? [Buffer.alloc(2 * block)] : [])]);
}

export function rawEntry({ pax, ...entry }: RawEntry): Buffer {
  const { content = '' } = entry;
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : Buffer.from(content);
  const main = Buffer.concat([rawHeader({ ...entry, size: entry.size ?? bytes.length }), padded(bytes)]);
  return pax === undefined ? main : Buffer.concat([rawPax(pax), main]);
}

export function rawPax(records: Readonly<Record<string, string>>, type = 'x'): Buffer {
  const content = Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value)));
  // containerd makes the directory of a global header's name: as git, name none.
  const name = type === 'g' ? 'pax_global_header' : 'PaxHeaders/x';
  return Buffer.concat([rawHeader({ name, type, size: content.length }), padded(content)]);
}

export function rawHeader(entry: RawEntry): Buffer {
  const header = Buffer.alloc(block);
  const octal = (value: number, at: number, digits: number) =>
    header.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
  header.write(entry.name, 0, 100, 'latin1');
  octal(entry.mode ?? 0o644, 100, 7);
  octal(entry.uid ?? 0, 108, 7);
  octal(entry.gid ?? 0, 116, 7);
  octal(entry.size ?? 0, 124, 11);
  octal(entry.mtime ?? 1_600_000_000, 136, 11);
  header.write(entry.type ?? '0', 156, 'latin1');
  header.write(entry.linkName ?? '', 157, 100, 'latin1');
  header.write(entry.magic ?? 'ustar\x0000', 257, 'latin1');
  octal(entry.major ?? 0, 329, 7);
  octal(entry.minor ?? 0, 337, 7);
  return withChecksum(header);
}

/** For headers that a test has changed by hand. */
export function withChecksum(header: Buffer): Buffer {
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`, 'latin1');
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((block - (content.length % block)) % block)]);
}
