// Unpacking layers into directories: what comes of the entries, whiteouts, limits, and what must not come of bad layers.
import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ErrorKind, isBerthError } from '../../../../src/domain/errors.js';
import { digestOf } from '../../../helpers/content.js';
import { describeTree } from '../../../helpers/file-tree.js';
import { runProgram } from '../../../helpers/program.js';
import { type RawEntry, rawHeader, rawTar } from '../../../helpers/raw-tar.js';
import { unpack, type UnpackOptions } from '../../../helpers/unpacked.js';

let directory: string;
let root: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-unpack-'));
  root = join(directory, 'root');
  mkdirSync(root);
  writeFileSync(join(directory, 'outside'), 'kept');
});

afterEach(() => {
  // Whatever a layer does, nothing beside its root is touched.
  assert.equal(readFileSync(join(directory, 'outside'), 'utf8'), 'kept');
  assert.deepEqual(
    readdirSync(directory).filter((name) => !['root', 'outside', 'lower', 'lower2', 'upper'].includes(name)),
    [],
  );
  rmSync(directory, { recursive: true });
});

async function refused(blob: Buffer, kind: ErrorKind, pattern: RegExp, options: UnpackOptions = {}): Promise<void> {
  await assert.rejects(unpack(blob, root, options), (error: unknown) => {
    assert.ok(isBerthError(error, kind), `expected ${kind}: ${String(error)}`);
    assert.match(error.message, pattern);
    return true;
  });
}

function tree(path = root): Record<string, string> {
  return Object.fromEntries(describeTree(path));
}

const names = (path = root) => [...describeTree(path).keys()];
const directoryEntry = (name: string, more: Partial<RawEntry> = {}): RawEntry => ({
  name,
  type: '5',
  mode: 0o755,
  ...more,
});

test('everything that an entry says is made, and the layer is digested', async () => {
  const archive = rawTar([
    directoryEntry('bin/', { mode: 0o1775, uid: 3, gid: 4, mtime: 1000 }),
    { name: 'bin/file', content: 'content', mode: 0o6755, uid: 1000, gid: 2000, mtime: 2000 },
    { name: 'bin/other', type: '1', linkName: 'bin/file', mode: 0o6755, uid: 1000, gid: 2000, mtime: 2000 },
    { name: 'bin/link', type: '2', linkName: '/nowhere', uid: 5, gid: 6, mtime: 3000 },
    { name: 'device', type: '3', major: 5, minor: 1, mode: 0o600, mtime: 4000 },
    { name: 'disk', type: '4', major: 259, minor: 70000, mode: 0o660, mtime: 4000 },
    { name: 'fifo', type: '6', mode: 0o622, mtime: 5000 },
    {
      name: 'attributes',
      mtime: 6000,
      pax: { mtime: '6000.000000007', 'SCHILY.xattr.user.x': 'a\xff\0', 'SCHILY.xattr.trusted.y': 'no' },
    },
  ]);
  const summary = await unpack(gzipSync(archive), root);
  assert.deepEqual(summary, { digest: digestOf(archive), size: archive.length });
  const file = 'file mode=6755 owner=1000:2000 time=2000000000000 size=7 content=ed7002b439e9ac84';
  assert.deepEqual(tree(), {
    bin: 'directory mode=1775 owner=3:4 time=1000000000000',
    'bin/file': file,
    'bin/link': 'symlink mode=777 owner=5:6 time=3000000000000 to=/nowhere',
    'bin/other': `${file} same-as=bin/file`,
    device: 'character mode=600 owner=0:0 time=4000000000000 device=1281',
    disk: `block mode=660 owner=0:0 time=4000000000000 device=${lstatSync(join(root, 'disk')).rdev}`,
    fifo: 'fifo mode=622 owner=0:0 time=5000000000000 device=0',
    attributes: 'file mode=644 owner=0:0 time=6000000000007 size=0 content=e3b0c44298fc1c14 user.x=61ff00',
  });
});

test('zstd, plain and empty layers are read by their first bytes, and plain ones of a plain type as they are', async () => {
  const archive = rawTar([{ name: 'file', content: 'x'.repeat(100_000) }]);
  const { stdoutBytes: zstd } = await runProgram('zstd', ['-q', '-c', '-'], { input: archive });
  for (const blob of [
    zstd,
    gzipSync(archive),
    Buffer.concat([gzipSync(archive.subarray(0, 700)), gzipSync(archive.subarray(700))]),
    archive,
  ]) {
    assert.deepEqual(await unpack(blob, root), { digest: digestOf(archive), size: archive.length });
  }
  assert.deepEqual(await unpack(archive, root, { mayBeCompressed: false }), {
    digest: digestOf(archive),
    size: archive.length,
  });
  assert.deepEqual(await unpack(Buffer.alloc(0), root), { digest: digestOf(''), size: 0 });
  await refused(gzipSync(archive), 'invalid-argument', /no valid tar/, { mayBeCompressed: false });
});

test('a later entry of one name takes the place of an earlier one, and directories are merged', async () => {
  await unpack(
    rawTar([
      directoryEntry('a/', { mode: 0o700 }),
      { name: 'a/kept', content: '1' },
      { name: 'file', content: 'first' },
      directoryEntry('tree/'),
      { name: 'tree/gone' },
      { name: 'link', type: '2', linkName: 'a' },
    ]),
    root,
  );
  await unpack(
    rawTar([
      directoryEntry('a/', { mode: 0o755, mtime: 77 }),
      { name: 'file', content: 'second' },
      { name: 'tree', content: 'a file now' },
      directoryEntry('link/'),
      { name: 'link/inside' },
    ]),
    root,
  );
  assert.deepEqual(names(), ['a', 'a/kept', 'file', 'link', 'link/inside', 'tree']);
  assert.match(tree()['a'] ?? '', /^directory mode=755 owner=0:0 time=77000000000$/);
  assert.equal(readFileSync(join(root, 'file'), 'utf8'), 'second');
});

test('a directory’s time is its entry’s, whatever comes into it later', async () => {
  await unpack(
    rawTar([directoryEntry('a/', { mtime: 1 }), directoryEntry('a/b/', { mtime: 2 }), { name: 'a/b/c' }]),
    root,
  );
  assert.equal(statSync(join(root, 'a')).mtimeMs, 1000);
  assert.equal(statSync(join(root, 'a/b')).mtimeMs, 2000);
});

test('missing parents are made, where links lead too', async () => {
  await unpack(
    rawTar([
      { name: 'x/y/file' },
      { name: 'dangling', type: '2', linkName: '/made/here' },
      { name: 'dangling/file' },
      { name: 'up', type: '2', linkName: '../../../../top' },
      { name: 'up/file' },
    ]),
    root,
  );
  assert.deepEqual(
    names().filter((name) => !name.startsWith('x')),
    ['dangling', 'made', 'made/here', 'made/here/file', 'top', 'top/file', 'up'],
  );
  assert.equal(statSync(join(root, 'x/y')).mode & 0o777, 0o755);
});

test('links that lead out of the root lead to places inside it', async () => {
  mkdirSync(join(root, 'etc'));
  await unpack(
    rawTar([
      { name: 'absolute', type: '2', linkName: '/etc' },
      { name: 'absolute/one' },
      { name: 'relative', type: '2', linkName: '../../../../../../etc' },
      { name: 'relative/two' },
      { name: 'self', type: '2', linkName: directory },
      { name: 'self/outside', content: 'overwritten' },
    ]),
    root,
  );
  assert.deepEqual(readdirSync(join(root, 'etc')).sort(), ['one', 'two']);
  assert.equal(readFileSync(join(root, directory, 'outside'), 'utf8'), 'overwritten');
});

test('a link is replaced, not written through', async () => {
  symlinkSync(join(directory, 'outside'), join(root, 'file'));
  await unpack(rawTar([{ name: 'file', content: 'overwritten', mode: 0o600 }]), root);
  assert.ok(lstatSync(join(root, 'file')).isFile());
  assert.equal(lstatSync(join(directory, 'outside')).mode & 0o777, 0o644);
});

test('a link that takes a directory’s place is followed from then on', async () => {
  await unpack(
    rawTar([
      directoryEntry('a/'),
      { name: 'a/first' },
      directoryEntry('elsewhere/'),
      { name: 'a', type: '2', linkName: 'elsewhere' },
      { name: 'a/second' },
    ]),
    root,
  );
  assert.deepEqual(names(), ['a', 'elsewhere', 'elsewhere/second']);
});

test('hard links lead to what is in the root only, and to links themselves', async () => {
  await unpack(
    rawTar([
      { name: 'link', type: '2', linkName: join(directory, 'outside') },
      { name: 'same', type: '1', linkName: 'link' },
    ]),
    root,
  );
  assert.equal(readlinkSync(join(root, 'same')), join(directory, 'outside'));
  for (const linkName of [join(directory, 'outside'), 'nothing', 'link/x', '/']) {
    await refused(
      rawTar([{ name: 'hard', type: '1', linkName }]),
      'invalid-argument',
      /"hard": it links to what is not/,
    );
  }
  await refused(rawTar([{ name: 'hard', type: '1', linkName: '../outside' }]), 'invalid-argument', /leads out/);
  assert.ok(!existsSync(join(root, 'hard')));
});

test('entries below what is no directory, and in circles, are refused', async () => {
  await refused(rawTar([{ name: 'file' }, { name: 'file/below' }]), 'invalid-argument', /is no directory/);
  const circle = rawTar([
    { name: 'a', type: '2', linkName: 'b' },
    { name: 'b', type: '2', linkName: 'a' },
    { name: 'a/file' },
  ]);
  await refused(circle, 'invalid-argument', /too many symbolic links/);
  const name = `${'n'.repeat(300)}/x`;
  await refused(rawTar([{ name: 'x', pax: { path: name } }]), 'invalid-argument', /ENAMETOOLONG/);
  const long = 'd/'.repeat(2040);
  await refused(rawTar([{ name: 'x', pax: { path: long } }]), 'invalid-argument', /more than 4095 bytes/);
});

test('whiteouts remove what was there before, and never what the layer itself brings', async () => {
  const before = [
    directoryEntry('a/'),
    { name: 'a/old' },
    directoryEntry('b/'),
    { name: 'b/old' },
    { name: 'gone' },
    directoryEntry('merged/sub/'),
    { name: 'merged/sub/old' },
  ];
  await unpack(rawTar(before), root);
  await unpack(
    rawTar([
      { name: '.wh.gone' },
      { name: 'a/.wh..wh..opq' },
      { name: 'a/new' },
      { name: 'b/new' },
      { name: 'b/.wh..wh..opq' },
      { name: 'merged/sub/new' },
      { name: 'merged/.wh.sub' },
      { name: '.wh.never-there' },
      { name: '.wh..wh.plnk/', type: '5' },
      { name: '.wh..wh.plnk/123', content: 'of aufs' },
    ]),
    root,
  );
  assert.deepEqual(names(), ['a', 'a/new', 'b', 'b/new', 'merged', 'merged/sub', 'merged/sub/new']);
});

test('whiteouts of nothing that can be are refused', async () => {
  for (const name of ['.wh.', '.wh..', '.wh...', 'a/.wh...']) {
    await refused(rawTar([{ name }]), 'invalid-argument', /it hides nothing that can be/);
  }
  assert.deepEqual(
    names().filter((name) => name !== 'a'),
    [],
  );
});

test('a whiteout goes by the directory that links lead to, never outside', async () => {
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc', 'outside'), '');
  const entries = [
    { name: 'out', type: '2', linkName: directory },
    { name: 'out/.wh.outside' },
    { name: 'in', type: '2', linkName: '/etc' },
    { name: 'in/.wh.outside' },
    { name: 'out/.wh..wh..opq' },
  ];
  await unpack(rawTar(entries), root);
  assert.deepEqual(readdirSync(join(root, 'etc')), []);
});

const upperTarget = () => {
  for (const name of ['upper', 'lower', 'lower2']) mkdirSync(join(directory, name), { recursive: true });
  const lowers = [join(directory, 'lower'), join(directory, 'lower2')];
  return { path: join(directory, 'upper'), whiteouts: 'trusted', lowers } as const;
};

test('in an upper directory whiteouts become the kernel’s marks', async () => {
  await unpack(
    rawTar([
      { name: '.wh.gone', uid: 5, gid: 6 },
      directoryEntry('a/', { mtime: 5 }),
      { name: 'a/.wh..wh..opq' },
      { name: 'a/new' },
      { name: '.wh.dir' },
      directoryEntry('dir/', { mtime: 5 }),
      directoryEntry('late/', { mtime: 5 }),
      { name: '.wh.late' },
      { name: 'file' },
      { name: '.wh.file' },
      { name: '.wh.twice' },
      { name: '.wh.twice' },
    ]),
    upperTarget(),
  );
  const marked = Object.entries(tree(join(directory, 'upper'))).map(
    ([name, line]) => `${name}: ${line.replace(/ time=\d+/, '')}`,
  );
  const empty = 'file mode=644 owner=0:0 size=0 content=e3b0c44298fc1c14';
  const opaque = 'directory mode=755 owner=0:0 trusted.overlay.opaque=79';
  assert.deepEqual(marked, [
    `a: ${opaque}`,
    `a/new: ${empty}`,
    `dir: ${opaque}`,
    `file: ${empty}`,
    'gone: character mode=0 owner=5:6  device=0',
    `late: ${opaque}`,
    'twice: character mode=0 owner=0:0  device=0',
  ]);
});

test('parents that an upper directory lacks take what they have below, times included', async () => {
  const target = upperTarget();
  await unpack(
    rawTar([
      directoryEntry('d/', { mode: 0o750, uid: 3, gid: 4, mtime: 9, pax: { 'SCHILY.xattr.user.x': 'y' } }),
      directoryEntry('d/e/', { mode: 0o711, mtime: 8 }),
    ]),
    target.lowers[1] ?? '',
  );
  await unpack(rawTar([directoryEntry('d/', { mode: 0o700, uid: 7, mtime: 7 })]), target.lowers[0] ?? '');
  await unpack(rawTar([{ name: 'd/e/f/file', mtime: 1 }]), target);
  const unpacked = tree(target.path);
  assert.equal(unpacked['d'], 'directory mode=700 owner=7:0 time=7000000000');
  assert.equal(unpacked['d/e'], 'directory mode=711 owner=0:0 time=8000000000');
  assert.match(unpacked['d/e/f'] ?? '', /^directory mode=755 owner=0:0 time=\d+$/);
});

test('devices come only where they are allowed, fifos always', async () => {
  const device = rawTar([{ name: 'disk', type: '4', major: 8, minor: 0 }]);
  await refused(device, 'failed-precondition', /"disk": .*devices/, { allowDevices: false });
  assert.deepEqual(names(), []);
  await unpack(rawTar([{ name: 'fifo', type: '6' }]), root, { allowDevices: false });
  assert.deepEqual(names(), ['fifo']);
});

test('a layer of too many bytes or entries is refused, before it fills the disk', async () => {
  const bomb = gzipSync(rawTar([{ name: 'zeros', content: Buffer.alloc(20_000_000) }]));
  assert.ok(bomb.length < 30_000);
  await refused(bomb, 'resource-exhausted', /more than 1000000 bytes/, { maxBytes: 1_000_000 });
  assert.ok(!existsSync(join(root, 'zeros')), 'refused by what its header says');
  const many = rawTar(Array.from({ length: 50 }, (_, index) => ({ name: `f${index}`, content: Buffer.alloc(50_000) })));
  await refused(gzipSync(many), 'resource-exhausted', /more than 1000000 bytes/, { maxBytes: 1_000_000 });
  await refused(many, 'resource-exhausted', /more than 49 entries/, { maxEntries: 49 });
  await unpack(many, root, { maxEntries: 50 });
});

test('a size that the blob does not have is refused', async () => {
  const header = rawHeader({ name: 'huge', size: 8_000_000_000 });
  await refused(rawTar([header]), 'resource-exhausted', /more than 1000000000 bytes/);
  const short = rawHeader({ name: 'short', size: 5000 });
  await refused(Buffer.concat([short, Buffer.alloc(1000)]), 'invalid-argument', /no valid tar/);
});

test('a blob that is not what its digest says is refused', async () => {
  const archive = rawTar([{ name: 'file' }]);
  await refused(archive, 'data-loss', /is damaged/, { digest: digestOf('other') });
  const damaged = Buffer.from(gzipSync(archive));
  await refused(damaged.subarray(0, 40), 'invalid-argument', /cannot be decompressed|no valid tar/);
});

test('broken compression is refused, and does not hang', async () => {
  // Damage may come out as other bytes, too: those are no tar then.
  const broken = /cannot be decompressed|no valid tar/;
  const archive = rawTar([{ name: 'file', content: Buffer.alloc(3_000_000, 'abc') }]);
  const { stdoutBytes: zstd } = await runProgram('zstd', ['-q', '-c', '-'], { input: archive });
  const spoilt = Buffer.from(zstd);
  spoilt.fill(0xff, 20, 60);
  await refused(spoilt, 'invalid-argument', broken);
  await refused(zstd.subarray(0, zstd.length - 10), 'invalid-argument', broken);
  const gzip = Buffer.from(gzipSync(archive));
  gzip.fill(0xff, 100, 140);
  await refused(gzip, 'invalid-argument', broken);
  const hugeWindow = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00, 0x00]);
  await refused(hugeWindow, 'invalid-argument', broken);
});

test('what is no tar at all is refused', async () => {
  await refused(Buffer.from('no tar'.repeat(1000)), 'invalid-argument', /no valid tar/);
  await refused(gzipSync(Buffer.alloc(5000, 'x')), 'invalid-argument', /no valid tar/);
});

test('work that nobody wants any more ends in the middle', async () => {
  let checks = 0;
  const many = rawTar(Array.from({ length: 100 }, (_, index) => ({ name: `f${index}` })));
  await assert.rejects(unpack(many, root, { isCancelled: () => ++checks > 10 }), /cancelled by the test/);
  assert.equal(names().length, 10);
});

test('a name of any bytes is made and told of', async () => {
  await unpack(rawTar([{ name: 'caf\xe9' }, { name: 'x', pax: { path: 'caf\xc3\xa9 \x01' } }]), root);
  assert.deepEqual(names(), ['caf\xc3\xa9 \x01', 'caf\xe9']);
});

test('a directory that may not be written to by others keeps its mode while it is filled', async () => {
  await unpack(rawTar([directoryEntry('locked/', { mode: 0o000 }), { name: 'locked/file' }]), root);
  assert.equal(lstatSync(join(root, 'locked')).mode & 0o777, 0);
  utimesSync(join(root, 'locked'), 0, 0);
});
