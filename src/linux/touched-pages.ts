// The pages of its parent's memory, and of the files behind it, that a forked process touches, and how another gets them
// before it needs them: all at once, where each would cost it a fault of its own at its first write, or its first read.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { bindLibc } from './libc.js';

// Known from Linux 5.14 on.
const MADV_POPULATE_READ = 22;
const MADV_POPULATE_WRITE = 23;
/** What is larger is an address range set aside, not memory in use; Node's own code has 40 MiB. */
const maxMappingBytes = 128 * 1024 * 1024;

// Of /proc/PID/pagemap: eight bytes a page, with the flags in the upper half, which comes second wherever Node runs.
const entryBytes = 8;
const isPresent = 1 << 31;
const isOfFile = 1 << 29;
const isExclusive = 1 << 24;

const getpagesize = bindLibc('int getpagesize()');
const madvise = bindLibc('int madvise(size_t address, size_t length, int advice)');
const memmove = bindLibc('void memmove(size_t to, size_t from, size_t length)');

/** Numbers of pages, in order; a page's address is its number times its size. */
export interface TouchedPages {
  /** Which no other process has: it has written to them. */
  readonly written: readonly number[];
  /** Of files that it only reads, such as its program. */
  readonly read: readonly number[];
}

/** Throws ESRCH when it has ended, ENOENT when it is gone or the kernel does not tell. */
export function touchedPages(pid: number): TouchedPages {
  const written: number[] = [];
  const read: number[] = [];
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    for (const { first, count, isWritable } of privateMappings(pid)) {
      const wanted = isWritable ? isPresent | isExclusive : isPresent | isOfFile;
      const mask = isWritable ? wanted | isOfFile : wanted;
      const pages = isWritable ? written : read;
      const halves = new Int32Array((count * entryBytes) / Int32Array.BYTES_PER_ELEMENT);
      const told = readSync(pagemap, halves, 0, halves.byteLength, first * entryBytes) / entryBytes;
      for (let page = 0; page < told; page++) {
        if (((halves[2 * page + 1] ?? 0) & mask) === wanted) pages.push(first + page);
      }
    }
  } finally {
    closeSync(pagemap);
  }
  return { written, read };
}

/** Consecutive pages. All that a child would else compute is computed here: each number of its own is memory of its own. */
export interface PageRow {
  readonly address: number;
  /** In bytes. */
  readonly length: number;
  /** The address of each. */
  readonly pages: readonly number[];
}

/** Of pages in order. */
export function rowsOf(numbers: readonly number[]): PageRow[] {
  const pageBytes = getpagesize();
  const rows: number[][] = [];
  for (const address of numbers.map((number) => number * pageBytes)) {
    const last = rows.at(-1);
    if (last?.at(-1) === address - pageBytes) last.push(address);
    else rows.push([address]);
  }
  return rows.map((pages) => ({ address: pages[0] ?? 0, length: pages.length * pageBytes, pages }));
}

/** Whether the kernel is one that gives a process pages before it needs them. */
export function canGivePages(): boolean {
  return madvise(0, 0, MADV_POPULATE_WRITE) === 0;
}

/** Has this process own these pages, as by writing to each. What is not mapped, or not to be written to, is passed over. */
export function ownPages(rows: readonly PageRow[]): void {
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at];
    if (row === undefined || madvise(row.address, row.length, MADV_POPULATE_WRITE) !== 0) continue;
    const { pages } = row;
    // Where the kernel is a guest, its host's tables are filled at the first write as well: a byte over itself.
    for (let page = 0; page < pages.length; page++) {
      const address = pages[page] ?? 0;
      memmove(address, address, 1);
    }
  }
}

/** Maps these pages for reading. */
export function mapPages(rows: readonly PageRow[]): void {
  for (let at = 0; at < rows.length; at++) madvise(rows[at]?.address ?? 0, rows[at]?.length ?? 0, MADV_POPULATE_READ);
}

/** In pages. */
interface Mapping {
  readonly first: number;
  readonly count: number;
  readonly isWritable: boolean;
}

function privateMappings(pid: number): Mapping[] {
  const pageBytes = getpagesize();
  const mappings: Mapping[] = [];
  const lines = readFileSync(`/proc/${pid}/maps`, 'latin1').matchAll(/^(\w+)-(\w+) r(.).p \w+ \S+ \w+ *(.*)$/gm);
  for (const [, from = '', to = '', access, name = ''] of lines) {
    // The kernel's own: [vdso], [vvar], and [vsyscall], which has no address that a process could name.
    if (name.startsWith('[v')) continue;
    const start = Number.parseInt(from, 16);
    const bytes = Number.parseInt(to, 16) - start;
    if (bytes > maxMappingBytes) continue;
    mappings.push({ first: start / pageBytes, count: bytes / pageBytes, isWritable: access === 'w' });
  }
  return mappings;
}
