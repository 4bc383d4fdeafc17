// /proc/self/mountinfo, parsed.

export interface MountEntry {
  /** The directory of the file system that is mounted. */
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly superOptions: readonly string[];
}

export function parseMountInfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    const separator = fields.indexOf('-', 6);
    const [root, mountPoint] = [fields[3], fields[4]];
    if (separator < 0 || root === undefined || mountPoint === undefined) continue;
    entries.push({
      root: unescape(root),
      mountPoint: unescape(mountPoint),
      type: fields[separator + 1] ?? '',
      superOptions: (fields[separator + 3] ?? '').split(','),
    });
  }
  return entries;
}

/** The kernel writes space, tab, newline and backslash as octal escapes. */
function unescape(text: string): string {
  if (!text.includes('\\')) return text;
  const bytes = Buffer.from(text);
  const out: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    const octal = /^\\([0-7]{3})/.exec(bytes.subarray(i, i + 4).toString('latin1'));
    if (octal?.[1] === undefined) {
      out.push(bytes[i] ?? 0);
    } else {
      out.push(Number.parseInt(octal[1], 8));
      i += 3;
    }
  }
  return Buffer.from(out).toString();
}
