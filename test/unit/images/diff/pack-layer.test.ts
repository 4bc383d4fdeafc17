// Layers made of trees, and unpacked again: what differs, and nothing else, comes back.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { packLayer, type PackParameters } from '../../../../src/images/diff/pack/pack-layer.js';
import { readTar } from '../../../../src/images/diff/unpack/tar-entries.js';
import { makeNodeAt } from '../../../../src/linux/directory-calls.js';
import { mountOn, unmountBelow } from '../../../../src/linux/mount.js';
import { setXattrAt } from '../../../../src/linux/xattr.js';
import { digestOf } from '../../../helpers/content.js';
import { describeTree } from '../../../helpers/file-tree.js';
import { unpack } from '../../../helpers/unpacked.js';

let directory: string;
const at = (...names: string[]) => join(directory, ...names);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-pack-'));
  for (const name of ['lower', 'upper', 'work', 'merged', 'out']) mkdirSync(at(name));
});

afterEach(() => {
  unmountBelow(directory);
  rmSync(directory, { recursive: true });
});

interface Packed {
  readonly blob: Buffer;
  readonly uncompressedDigest: string;
}

async function pack(
  source: PackParameters['source'],
  options: Partial<Pick<PackParameters, 'compression' | 'latestNanos'>> = {},
): Promise<Packed> {
  const pieces: Buffer[] = [];
  const context = {
    checkCancelled: () => undefined,
    emit: async (piece: Uint8Array) => {
      pieces.push(Buffer.from(piece));
    },
  };
  const result = await packLayer({ source, compression: 'none', latestNanos: undefined, ...options }, context);
  return { blob: Buffer.concat(pieces), ...result };
}

const upperSource = (lowers = [at('lower')]): PackParameters['source'] => ({
  type: 'upper',
  upper: { path: at('upper'), lowers, attributes: 'trusted' },
});
const treesSource = (lower = at('lower'), upper = at('merged')): PackParameters['source'] => ({
  type: 'trees',
  trees: { lower, upper },
});

async function entriesOf(blob: Buffer): Promise<string[]> {
  const found: string[] = [];
  async function* chunks(): AsyncGenerator<Buffer> {
    yield blob;
  }
  await readTar(chunks(), {
    begin: ({ name, kind, linkName }) => found.push(`${kind} ${name}${kind === 'link' ? ` to ${linkName}` : ''}`),
    content: () => undefined,
    hole: () => undefined,
    end: () => undefined,
  });
  return found;
}

function mountOverlay(): void {
  const options = [`lowerdir=${at('lower')}`, `upperdir=${at('upper')}`, `workdir=${at('work')}`, 'index=off'];
  mountOn({ type: 'overlay', source: 'overlay', target: '', options }, at('merged'));
}

/** A base with something of everything. Times are whole seconds, as a layer keeps them. */
function makeLower(): void {
  execFileSync('sh', [
    '-ec',
    `cd "$1"; mkdir -p etc/conf.d usr/bin var/empty; echo root > etc/passwd; echo a > etc/conf.d/a; echo b > etc/conf.d/b
     echo tool > usr/bin/tool; chmod 4755 usr/bin/tool; ln usr/bin/tool usr/bin/alias; ln -s tool usr/bin/link; mkfifo var/fifo
     find . -exec touch -h -d @1600000000 {} +`,
    'sh',
    at('lower'),
  ]);
}

/** Changes of every kind, made through a mounted overlay. */
function changeMerged(): void {
  const merged = (...names: string[]) => at('merged', ...names);
  appendFileSync(merged('etc/passwd'), 'user\n');
  rmSync(merged('etc/conf.d'), { recursive: true });
  mkdirSync(merged('etc/conf.d'));
  writeFileSync(merged('etc/conf.d/c'), 'c');
  rmSync(merged('usr/bin/link'));
  writeFileSync(merged('usr/bin/link'), 'a file now');
  chmodSync(merged('var/empty'), 0o1777);
  mkdirSync(merged('new/deep'), { recursive: true });
  writeFileSync(merged('new/deep/one'), 'one');
  linkSync(merged('new/deep/one'), merged('new/two'));
  symlinkSync('../etc', merged('new/link'));
  chownSync(merged('new'), 1000, 2000);
  renameSync(merged('var/fifo'), merged('var/pipe'));
}

/** A tree as another sees it: times to the second, and directories that only held changes without theirs. */
function seen(path: string): Record<string, string> {
  const lines = [...describeTree(path)].map(([name, line]) => {
    const rounded = line.replace(/time=(\d+)\d{9}/, 'time=$1').replaceAll(/ trusted\.overlay\.opaque=\w+/g, '');
    return [name, line.startsWith('directory') ? rounded.replace(/time=\d+/, 'time') : rounded] as const;
  });
  return Object.fromEntries(lines);
}

async function applied(...layers: readonly Buffer[]): Promise<Record<string, string>> {
  rmSync(at('out'), { recursive: true });
  mkdirSync(at('out'));
  execFileSync('cp', ['-a', `${at('lower')}/.`, at('out')]);
  for (const layer of layers) await unpack(layer, at('out'));
  return seen(at('out'));
}

test('an upper directory makes the layer that brings the lower tree to the merged one', async () => {
  makeLower();
  mountOverlay();
  changeMerged();
  const { blob } = await pack(upperSource());
  assert.deepEqual(await entriesOf(blob), [
    'directory etc',
    'directory etc/conf.d',
    'file etc/conf.d/.wh..wh..opq',
    'file etc/conf.d/c',
    'file etc/passwd',
    'directory new',
    'directory new/deep',
    'file new/deep/one',
    'symlink new/link',
    'link new/two to new/deep/one',
    'directory usr',
    'directory usr/bin',
    'file usr/bin/link',
    'directory var',
    'directory var/empty',
    'file var/.wh.fifo',
    'fifo var/pipe',
  ]);
  assert.deepEqual(await applied(blob), seen(at('merged')));
});

test('walking both trees makes a layer that does the same', async () => {
  makeLower();
  mountOverlay();
  changeMerged();
  const { blob } = await pack(treesSource());
  assert.deepEqual(await applied(blob), seen(at('merged')));
  const entries = await entriesOf(blob);
  assert.ok(entries.includes('file etc/conf.d/.wh.a') && entries.includes('file var/.wh.fifo'), entries.join('\n'));
  assert.ok(!entries.some((entry) => /usr\/bin\/(tool|alias)/.test(entry)), entries.join('\n'));
});

test('a new name of an unchanged file brings the old names along as links', async () => {
  makeLower();
  execFileSync('cp', ['-a', `${at('lower')}/.`, at('merged')]);
  linkSync(at('merged/usr/bin/tool'), at('merged/usr/bin/new'));
  const { blob } = await pack(treesSource());
  assert.deepEqual(await entriesOf(blob), [
    'directory usr',
    'directory usr/bin',
    'file usr/bin/new',
    'link usr/bin/alias to usr/bin/new',
    'link usr/bin/tool to usr/bin/new',
  ]);
  assert.deepEqual(await applied(blob), seen(at('merged')));
});

test('equal trees make an empty layer, also when only the content tells that they are', async () => {
  makeLower();
  execFileSync('cp', ['-a', `${at('lower')}/.`, at('merged')]);
  assert.deepEqual(await entriesOf((await pack(treesSource())).blob), []);
  writeFileSync(at('merged/etc/passwd'), 'toor\n');
  utimesSync(at('merged/etc/passwd'), 1_600_000_000, 1_600_000_000);
  assert.deepEqual(await entriesOf((await pack(treesSource())).blob), ['directory etc', 'file etc/passwd']);
});

test('a directory and a file that take each other’s place do so in the layer', async () => {
  makeLower();
  execFileSync('cp', ['-a', `${at('lower')}/.`, at('merged')]);
  rmSync(at('merged/etc'), { recursive: true });
  writeFileSync(at('merged/etc'), 'file');
  rmSync(at('merged/usr/bin/tool'));
  mkdirSync(at('merged/usr/bin/tool'));
  writeFileSync(at('merged/usr/bin/tool/x'), '');
  const { blob } = await pack(treesSource());
  assert.deepEqual(await applied(blob), seen(at('merged')));
});

test('a tree without anything below is a layer of all of it, sockets left out', async () => {
  writeFileSync(at('upper/file'), 'x');
  makeNodeOf('upper', 'device', 5, 1);
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(at('upper/socket'), resolve);
  });
  try {
    const { blob } = await pack(upperSource([]));
    assert.deepEqual(await entriesOf(blob), ['character-device device', 'file file']);
  } finally {
    server.close();
  }
});

test('attributes of layers are kept, marks of overlays and of the host are not', async () => {
  writeFileSync(at('upper/file'), '');
  const fd = openSync(at('upper'), 'r');
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  setXattrAt(fd, 'file', 'security.capability', capability);
  setXattrAt(fd, 'file', 'user.note', Buffer.from('\0\n\xff', 'latin1'));
  setXattrAt(fd, 'file', 'user.overlay.origin', Buffer.from('x'));
  setXattrAt(fd, 'file', 'trusted.secret', Buffer.from('x'));
  closeSync(fd);
  await unpack((await pack(upperSource([]))).blob, at('out'));
  assert.match(
    describeTree(at('out')).get('file') ?? '',
    /content=\w+ security\.capability=0100000200200000000000000000000000000000 user\.note=000aff$/,
  );
});

test('the same tree makes the same layer, compressed too, and no entry is later than asked', async () => {
  makeLower();
  mountOverlay();
  changeMerged();
  const latestNanos = 1_500_000_000_900_000_000n;
  const first = await pack(upperSource(), { compression: 'gzip', latestNanos });
  const second = await pack(upperSource(), { compression: 'gzip', latestNanos });
  assert.ok(first.blob.equals(second.blob));
  assert.equal(first.uncompressedDigest, digestOf(gunzipSync(first.blob)));
  rmSync(at('out'), { recursive: true });
  mkdirSync(at('out'));
  await unpack(first.blob, at('out'));
  for (const [name, line] of describeTree(at('out'))) assert.match(line, / time=1500000000000000000( |$)/, name);
});

test('what a kernel left below in the lower layers is refused, not lost', async () => {
  mkdirSync(at('upper/renamed'));
  const fd = openSync(at('upper'), 'r');
  setXattrAt(fd, 'renamed', 'trusted.overlay.redirect', Buffer.from('old'));
  closeSync(fd);
  await assert.rejects(pack(upperSource()), /renamed has trusted\.overlay\.redirect/);
});

test('a large file comes in pieces', async () => {
  writeFileSync(at('upper/big'), Buffer.alloc(3_000_000, 'abcdefg'));
  lutimesSync(at('upper/big'), 1, 1);
  const { blob, uncompressedDigest } = await pack(upperSource([]));
  assert.equal(uncompressedDigest, digestOf(blob));
  await unpack(blob, at('out'));
  assert.equal(describeTree(at('out')).get('big'), describeTree(at('upper')).get('big'));
});

function makeNodeOf(tree: string, name: string, major: number, minor: number): void {
  const fd = openSync(at(tree), 'r');
  makeNodeAt(fd, name, { kind: 'character-device', mode: 0o600, major, minor });
  closeSync(fd);
}
