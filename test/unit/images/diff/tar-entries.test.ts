// Reading tar archives: what entries say, where an archive ends, and what is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../../src/domain/errors.js';
import type { LayerEntry } from '../../../../src/images/diff/unpack/layer-entry.js';
import { readTar } from '../../../../src/images/diff/unpack/tar-entries.js';
import { type RawEntry, rawEntry, rawHeader, rawPax, rawTar, withChecksum } from '../../../helpers/raw-tar.js';

interface Read {
  readonly entry: LayerEntry;
  readonly content: string;
}

/** In chunks of `chunkBytes`, which cut headers and contents anywhere. */
async function read(archive: Buffer, chunkBytes = archive.length): Promise<Read[]> {
  const found: Read[] = [];
  let current: { readonly entry: LayerEntry; content: string } | undefined;
  await readTar(chunksOf(archive, chunkBytes), {
    begin: (entry) => {
      current = { entry, content: '' };
    },
    content: (bytes) => {
      if (current !== undefined) current.content += Buffer.from(bytes).toString('latin1');
    },
    hole: (length) => {
      if (current !== undefined) current.content += '.'.repeat(length);
    },
    end: () => {
      if (current !== undefined) found.push(current);
      current = undefined;
    },
  });
  return found;
}

async function* chunksOf(archive: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < archive.length; at += size) yield archive.subarray(at, at + size);
}

async function readOne(entry: RawEntry): Promise<LayerEntry> {
  const [found] = await read(rawTar([entry]));
  assert.ok(found);
  return found.entry;
}

async function refused(archive: Buffer, pattern: RegExp): Promise<void> {
  await assert.rejects(read(archive), (error: unknown) => {
    assert.ok(isBerthError(error, 'invalid-argument'), String(error));
    assert.match(error.message, pattern);
    return true;
  });
}

test('every kind of entry is read, however the archive is cut', async () => {
  const archive = rawTar([
    { name: './', type: '5', mode: 0o755 },
    { name: 'directory/', type: '5', mode: 0o1777, uid: 7, gid: 8 },
    { name: 'directory/file', content: 'x'.repeat(1000), mode: 0o4755, mtime: 12 },
    { name: 'empty' },
    { name: 'link', type: '2', linkName: '../outside' },
    { name: 'hard', type: '1', linkName: '/directory/file' },
    { name: 'character', type: '3', major: 5, minor: 1 },
    { name: 'block', type: '4', major: 8, minor: 2 },
    { name: 'fifo', type: '6' },
  ]);
  const whole = await read(archive);
  assert.deepEqual(
    whole.map(({ entry }) => [entry.name, entry.kind]),
    [
      ['', 'directory'],
      ['directory', 'directory'],
      ['directory/file', 'file'],
      ['empty', 'file'],
      ['link', 'symlink'],
      ['hard', 'link'],
      ['character', 'character-device'],
      ['block', 'block-device'],
      ['fifo', 'fifo'],
    ],
  );
  const [, directory, file, , link, hard, character] = whole;
  assert.deepEqual([directory?.entry.mode, directory?.entry.uid, directory?.entry.gid], [0o1777, 7, 8]);
  assert.deepEqual([file?.entry.mode, file?.entry.size, file?.entry.modifiedNanos], [0o4755, 1000, 12_000_000_000n]);
  assert.equal(file?.content, 'x'.repeat(1000));
  assert.deepEqual([link?.entry.linkName, hard?.entry.linkName], ['../outside', 'directory/file']);
  assert.deepEqual([character?.entry.major, character?.entry.minor], [5, 1]);
  for (const chunkBytes of [1, 511, 512, 700]) assert.deepEqual(await read(archive, chunkBytes), whole);
});

test('a PAX header gives names, numbers, times and attributes as bytes', async () => {
  const long = `${'d'.repeat(150)}/${'caf\xe9'.repeat(40)}`;
  const entry = await readOne({
    name: 'short',
    content: 'abc',
    size: 3,
    pax: {
      path: long,
      uid: '3000000',
      gid: '4000000000',
      mtime: '1700000000.000000001',
      atime: '1700000001.5',
      'SCHILY.xattr.security.capability': '\x01\0\0\x02\0 \0\0\n=\xff\x80\0\0\0\0\0\0\0\0',
      'LIBARCHIVE.xattr.user.x': 'eA==',
      comment: 'nothing',
    },
  });
  assert.equal(entry.name, long);
  assert.deepEqual([entry.uid, entry.gid], [3_000_000, 4_000_000_000]);
  assert.equal(entry.modifiedNanos, 1_700_000_000_000_000_001n);
  assert.equal(entry.accessedNanos, 1_700_000_001_500_000_000n);
  assert.deepEqual([...entry.attributes.keys()], ['security.capability']);
  assert.equal(entry.attributes.get('security.capability')?.length, 20);
});

test('a PAX size goes before the one in the header', async () => {
  const archive = rawTar([
    Buffer.concat([rawPax({ size: '600' }), rawHeader({ name: 'file', size: 1 }), Buffer.alloc(1024, 'y')]),
    { name: 'next' },
  ]);
  const found = await read(archive);
  assert.deepEqual(
    found.map(({ entry, content }) => [entry.name, content.length]),
    [
      ['file', 600],
      ['next', 0],
    ],
  );
});

test('a link name can be longer than a header, by PAX and by GNU tar', async () => {
  const target = 't'.repeat(300);
  assert.equal((await readOne({ name: 'a', type: '2', linkName: 'x', pax: { linkpath: target } })).linkName, target);
  const gnu = rawTar([
    rawEntry({ name: '././@LongLink', type: 'K', content: `${target}\0` }),
    rawEntry({ name: '././@LongLink', type: 'L', content: `${'n'.repeat(200)}\xe9\0` }),
    { name: 'short', type: '2', linkName: 'short', magic: 'ustar  \0' },
  ]);
  const [found] = await read(gnu);
  assert.deepEqual([found?.entry.linkName, found?.entry.name], [target, `${'n'.repeat(200)}\xe9`]);
});

test('archives of before ustar are read', async () => {
  const header = rawHeader({ name: 'old', mode: 0o600, magic: '' });
  header.fill(0, 257, 512);
  const [found] = await read(rawTar([withChecksum(header)]));
  assert.deepEqual([found?.entry.name, found?.entry.mode], ['old', 0o600]);
});

test('global headers mean nothing, not even with a header of the entry’s own', async () => {
  const archive = rawTar([
    rawPax({ path: 'global', uid: '9', mtime: '5', comment: 'x' }, 'g'),
    { name: 'plain', uid: 1 },
    { name: 'other', uid: 2, pax: { comment: 'y' } },
  ]);
  const found = await read(archive);
  assert.deepEqual(
    found.map(({ entry }) => [entry.name, entry.uid]),
    [
      ['plain', 1],
      ['other', 2],
    ],
  );
});

test('two blocks of zeros end the archive, whatever follows', async () => {
  const hidden = rawTar([{ name: 'hidden' }]);
  for (const rest of [hidden, Buffer.alloc(10_000, 'garbage'), Buffer.alloc(3)]) {
    const found = await read(Buffer.concat([rawTar([{ name: 'seen' }]), rest]), 600);
    assert.deepEqual(
      found.map(({ entry }) => entry.name),
      ['seen'],
    );
  }
});

test('an archive without its end, or with one block of it, is whole', async () => {
  for (const end of [0, 512]) {
    const archive = Buffer.concat([rawTar([{ name: 'file', content: 'x' }], { end: false }), Buffer.alloc(end)]);
    assert.equal((await read(archive)).length, 1);
  }
  assert.deepEqual(await read(Buffer.alloc(0)), []);
});

test('an archive that is cut off, or has an entry after a block of zeros, is refused', async () => {
  const archive = rawTar([{ name: 'file', content: 'x'.repeat(2000) }]);
  await refused(archive.subarray(0, 300), /no valid tar archive/);
  await refused(archive.subarray(0, 1500), /no valid tar archive/);
  await refused(Buffer.concat([Buffer.alloc(512), archive]), /block of zeros/);
});

test('what is no header is refused', async () => {
  const header = rawHeader({ name: 'file' });
  header.write('x', 0);
  await refused(rawTar([header]), /no valid tar archive/);
  await refused(Buffer.from('this is text, and not a tar at all. '.repeat(50)), /no valid tar archive/);
});

test('numbers that cannot be are refused, in headers and in PAX', async () => {
  for (const [at, bytes] of [
    [108, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe])],
    [124, Buffer.from([0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])],
    [124, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe])],
    [124, Buffer.from('xxxxxxxxxxx\0')],
    [136, Buffer.from('99999999999\0')],
  ] as const) {
    const header = rawHeader({ name: 'file' });
    bytes.copy(header, at);
    await refused(rawTar([withChecksum(header)]), /no number|no time|no valid tar/);
  }
  for (const pax of [{ uid: '-1' }, { uid: '4294967295' }, { gid: '1e3' }, { mtime: 'now' }]) {
    await refused(rawTar([{ name: 'file', pax: pax as unknown as Record<string, string> }]), /no number|no time/);
  }
});

test('a size that is larger than can be is refused, not waited for', async () => {
  const header = rawHeader({ name: 'file' });
  Buffer.from([0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).copy(header, 124);
  await refused(rawTar([withChecksum(header)]), /its size is no number/);
});

test('a PAX header of more than tar-stream takes is refused before it is read', async () => {
  await refused(rawTar([rawHeader({ name: 'PaxHeaders/x', type: 'x', size: 1e9 })]), /exceeds max size/);
});

test('names that lead out are refused, and those that only seem to are cleaned', async () => {
  for (const name of ['..', '../etc/passwd', 'a/../../b', '/../x', './../x']) {
    await refused(rawTar([{ name }]), /leads out of the layer/);
    await refused(rawTar([{ name: 'hard', type: '1', linkName: name }]), /leads out of the layer/);
  }
  const cleaned = { '/etc/passwd': 'etc/passwd', './/a//b/.': 'a/b', 'a/b/../c': 'a/c', './': '', '': '' };
  for (const [name, clean] of Object.entries(cleaned)) {
    assert.equal((await readOne({ name, type: '5' })).name, clean, name);
  }
  assert.equal((await readOne({ name: 'link', type: '2', linkName: '../../../etc' })).linkName, '../../../etc');
});

test('entries that nobody can make are refused by name', async () => {
  await refused(rawTar([{ name: 'sparse', type: 'S' }]), /"sparse": entries of type unknown are not supported/);
  await refused(rawTar([{ name: 'volume', type: 'V' }]), /"volume".*not supported/);
  await refused(rawTar([{ name: 'contiguous', type: '7' }]), /"contiguous".*not supported/);
  await refused(
    rawTar([{ name: 'holes', pax: { 'GNU.sparse.major': '1' } }]),
    /"holes": sparse file: version 1\. is not known/,
  );
  await refused(rawTar([{ name: 'nowhere', type: '2' }]), /"nowhere": the link has no target/);
  await refused(rawTar([{ name: 'x', pax: { path: 'a\0b' } }]), /zero byte/);
  await refused(rawTar([{ name: 'x', pax: { path: 'p/'.repeat(2500) } }]), /more than 4095 bytes/);
});

/** Records of `GNU.sparse.`, in order, as one PAX header. */
function sparse(records: readonly (readonly [string, string | number])[], content: string): Buffer {
  const text = records.map(([key, value]) => {
    const rest = ` GNU.sparse.${key}=${value}\n`;
    return `${rest.length + 2}${rest}`;
  });
  const header = rawEntry({ name: 'PaxHeaders/x', type: 'x', content: text.join('') });
  return rawTar([header, { name: 'stored', content }, { name: 'next' }]);
}

const listed = (list: string, content: string) => list.padEnd(512, '\0') + content;
const version1 = [
  ['major', 1],
  ['minor', 0],
  ['name', 'dir/real'],
  ['realsize', 10],
] as const;

test('sparse files of every PAX version are read with their holes, however the archive is cut', async () => {
  const old = [
    ['size', 10],
    ['numblocks', 2],
    ['offset', 2],
    ['numbytes', 3],
    ['offset', 8],
    ['numbytes', 1],
  ] as const;
  const map = [
    ['size', 10],
    ['numblocks', 3],
    ['map', '2,3,8,1,10,0'],
    ['name', 'dir/real'],
  ] as const;
  const archives: [string, Buffer][] = [
    ['stored', sparse(old, 'abcd')],
    ['dir/real', sparse(map, 'abcd')],
    ['dir/real', sparse(version1, listed('3\n2\n3\n8\n1\n10\n0\n', 'abcd'))],
  ];
  for (const [name, archive] of archives) {
    for (const chunkBytes of [1, 511, 700, archive.length]) {
      const [found, next] = await read(archive, chunkBytes);
      assert.deepEqual([found?.entry.name, found?.entry.size, found?.content], [name, 10, '..abc...d.']);
      assert.deepEqual([next?.entry.name, next?.content], ['next', '']);
    }
  }
});

test('a sparse file may be one hole, or have none', async () => {
  const whole = sparse(version1, listed('1\n0\n10\n', '0123456789'));
  assert.equal((await read(whole))[0]?.content, '0123456789');
  assert.equal((await read(sparse(version1, listed('0\n', ''))))[0]?.content, '..........');
  const hole = sparse(
    [
      ['size', 10],
      ['numblocks', 1],
      ['map', '10,0'],
    ],
    '',
  );
  assert.equal((await read(hole))[0]?.content, '..........');
});

test('sparse files that make no sense are refused by name', async () => {
  const lists = {
    'not in order': listed('2\n4\n2\n3\n1\n', 'abc'),
    'lie outside': listed('1\n8\n3\n', 'abc'),
    'content is cut off': listed('1\n0\n5\n', 'abc'),
    'more content': listed('1\n0\n2\n', 'abc'),
    'is none': listed('1\n0\n-2\n', 'abc'),
    'list of its parts is cut off': '9\n0\n1\n',
    'too long': '9'.repeat(1024 * 1024 + 1),
  };
  for (const [what, content] of Object.entries(lists)) {
    await refused(sparse(version1, content), new RegExp(`"stored": sparse file: .*${what}`));
  }
  await refused(sparse([['major', 2]], ''), /version 2\. is not known/);
  await refused(sparse([['map', '1,2,3']], ''), /is none/);
  await refused(
    sparse(
      [
        ['offset', 1],
        ['offset', 2],
      ],
      '',
    ),
    /half a part/,
  );
  const link = {
    name: 'link',
    type: '2',
    linkName: 'x',
    pax: { 'GNU.sparse.map': '0,0', 'GNU.sparse.numblocks': '1' },
  };
  await refused(rawTar([link]), /"link": sparse file: a symlink has no parts/);
});

test('what the visitor throws ends the reading as it is', async () => {
  const archive = rawTar([{ name: 'file', content: 'x'.repeat(5000) }, { name: 'next' }]);
  for (const at of ['begin', 'content', 'end'] as const) {
    const failure = new Error(`at ${at}`);
    const visitor = { begin: () => undefined, content: () => undefined, hole: () => undefined, end: () => undefined };
    const broken = {
      ...visitor,
      [at]: () => {
        throw failure;
      },
    };
    await assert.rejects(readTar(chunksOf(archive, 1000), broken), /at (begin|content|end)/);
  }
});

test('what the source throws ends the reading as it is', async () => {
  async function* failing(): AsyncGenerator<Buffer> {
    yield rawHeader({ name: 'file', size: 5000 });
    throw new Error('the source broke');
  }
  const visitor = { begin: () => undefined, content: () => undefined, hole: () => undefined, end: () => undefined };
  await assert.rejects(readTar(failing(), visitor), /the source broke/);
});
