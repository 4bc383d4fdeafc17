// Headers that we write, read back by tar-stream and by GNU tar.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeHeader, endOfArchive, type PackedEntry, padding } from '../../../../src/images/diff/pack/tar-header.js';
import type { LayerEntry } from '../../../../src/images/diff/unpack/layer-entry.js';
import { readTar } from '../../../../src/images/diff/unpack/tar-entries.js';
import { runProgram } from '../../../helpers/program.js';

const plain: PackedEntry = {
  name: 'file',
  kind: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  modifiedSeconds: 1_600_000_000n,
  linkName: '',
  major: 0,
  minor: 0,
  attributes: new Map(),
};

function archiveOf(entry: PackedEntry): Buffer {
  return Buffer.concat([encodeHeader(entry), Buffer.alloc(entry.size), padding(entry.size), endOfArchive]);
}

async function readBack(entry: PackedEntry): Promise<LayerEntry> {
  const found: LayerEntry[] = [];
  async function* chunks(): AsyncGenerator<Buffer> {
    yield archiveOf(entry);
  }
  await readTar(chunks(), {
    begin: (read) => found.push(read),
    content: () => undefined,
    hole: () => undefined,
    end: () => undefined,
  });
  assert.equal(found.length, 1);
  return found[0] as LayerEntry;
}

async function listedByTar(entry: PackedEntry): Promise<string> {
  const args = ['--list', '--verbose', '--numeric-owner', '--full-time', '--utc', '--quoting-style=escape', '-f', '-'];
  const { stdout, stderr, code } = await runProgram('tar', args, { input: archiveOf(entry), env: { LC_ALL: 'C' } });
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  return stdout.trim();
}

const cases: Readonly<Record<string, Partial<PackedEntry>>> = {
  'a plain file': { mode: 0o4755, uid: 1000, gid: 2000, size: 700 },
  'a name of 100 bytes': { name: 'n'.repeat(100) },
  'a name that ustar splits': { name: `${'d'.repeat(120)}/${'n'.repeat(100)}` },
  'a name that ustar cannot split': { name: 'n'.repeat(101) },
  'a directory that ustar cannot split': { name: `${'d'.repeat(150)}/`, kind: 'directory' },
  'a very long name': { name: `${'long/'.repeat(300)}name` },
  'a name in UTF-8': { name: Buffer.from('dossier/été').toString('latin1') },
  'a name in no known encoding': { name: 'caf\xe9/\x01\xff' },
  'a symbolic link': { kind: 'symlink', linkName: '../target' },
  'a long symbolic link': { kind: 'symlink', linkName: 't/'.repeat(200) },
  'a hard link': { kind: 'link', linkName: 'directory/first' },
  'a character device': { kind: 'character-device', major: 259, minor: 70_000 },
  'a block device': { kind: 'block-device', major: 8, minor: 1 },
  'a fifo': { kind: 'fifo' },
  'large ids': { uid: 2_097_152, gid: 4_294_967_294 },
  'a file of before 1970': { modifiedSeconds: -5n },
  'a file of after 2242': { modifiedSeconds: 8_589_934_592n },
  attributes: {
    attributes: new Map([
      ['user.z', Buffer.from('\0\n=\xff', 'latin1')],
      ['security.capability', Buffer.from([1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
    ]),
  },
};

for (const [what, fields] of Object.entries(cases)) {
  test(`${what} comes back as it was written`, async () => {
    const entry = { ...plain, ...fields };
    const read = await readBack(entry);
    const name = entry.name.replace(/\/$/, '');
    const seconds = entry.modifiedSeconds < 0n ? 0n : entry.modifiedSeconds;
    assert.deepEqual(
      [read.name, read.kind, read.mode, read.uid, read.gid, read.size, read.linkName, read.major, read.minor],
      [name, entry.kind, entry.mode, entry.uid, entry.gid, entry.size, entry.linkName, entry.major, entry.minor],
    );
    assert.equal(read.modifiedNanos, seconds * 1_000_000_000n);
    const attributes = [...read.attributes].map(([key, value]) => [key, Buffer.from(value, 'latin1')] as const);
    assert.deepEqual(new Map(attributes), new Map(entry.attributes));
  });
}

test('GNU tar reads the same', async () => {
  assert.equal(
    await listedByTar({ ...plain, mode: 0o4755, uid: 1000, gid: 2000, size: 700 }),
    '-rwsr-xr-x 1000/2000       700 2020-09-13 12:26:40 file',
  );
  assert.match(await listedByTar({ ...plain, name: `${'long/'.repeat(300)}name` }), / (long\/){300}name$/);
  assert.match(await listedByTar({ ...plain, name: 'caf\xe9' }), / caf\\351$/);
  assert.match(await listedByTar({ ...plain, uid: 3_000_000, gid: 4_000_000_000 }), /^-rw-r--r-- 3000000\/4000000000 /);
  assert.match(await listedByTar({ ...plain, kind: 'character-device', major: 259, minor: 70_000 }), / 259,70000 /);
  assert.match(await listedByTar({ ...plain, kind: 'symlink', linkName: 't/'.repeat(200) }), / file -> (t\/){200}$/);
});

test('the size of a file beyond 8 GiB goes into a PAX header', () => {
  const header = encodeHeader({ ...plain, size: 10_000_000_000 });
  assert.match(header.toString('latin1'), /20 size=10000000000\n/);
});
