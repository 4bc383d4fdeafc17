import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { bytePathFromText, textFromBytePath } from '../../../src/linux/byte-path.js';
import {
  changeModeAt,
  changeOwnerAt,
  linkAt,
  makeDirectoryAt,
  makeNodeAt,
  makeSymlinkAt,
  openAt,
  readDirectory,
  removeTreeAt,
  renameAt,
  setTimesAt,
} from '../../../src/linux/directory-calls.js';
import { findStatusAt, statusAt } from '../../../src/linux/file-status.js';
import { openDirectoryInRoot } from '../../../src/linux/open-in-root.js';
import { getXattrAt, listXattrsAt, setXattrAt } from '../../../src/linux/xattr.js';

let path: string;
let directory: number;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'berth-at-'));
  directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
});

afterEach(() => {
  closeSync(directory);
  rmSync(path, { recursive: true });
});

test('names are bytes: one that is no UTF-8 comes back as it went in', () => {
  const name = 'caf\xe9';
  makeDirectoryAt(directory, name, 0o755);
  assert.deepEqual(readDirectory(directory), [name]);
  assert.equal(bytePathFromText('café'), 'caf\xc3\xa9');
  assert.equal(textFromBytePath(bytePathFromText('café')), 'café');
});

test('status tells kind, mode, owner, times to the nanosecond, and devices', () => {
  makeNodeAt(directory, 'device', { kind: 'character-device', mode: 0o640, major: 259, minor: 70_000 });
  changeOwnerAt(directory, 'device', 7, 8);
  changeModeAt(directory, 'device', 0o4755);
  setTimesAt(directory, 'device', { accessedNanos: 5n, modifiedNanos: 1_700_000_000_123_456_789n });
  const status = statusAt(directory, 'device');
  assert.deepEqual(
    [status.kind, status.mode, status.uid, status.gid, status.deviceMajor, status.deviceMinor],
    ['character-device', 0o4755, 7, 8, 259, 70_000],
  );
  assert.equal(status.modifiedNanos, 1_700_000_000_123_456_789n);
  assert.equal(status.accessedNanos, 5n);
  assert.equal(findStatusAt(directory, 'nothing'), undefined);
  setTimesAt(directory, 'device', { accessedNanos: 0n, modifiedNanos: -1n });
  assert.equal(statusAt(directory, 'device').modifiedNanos, -1n);
});

test('every kind of file is told apart, hard links by their inode', () => {
  makeNodeAt(directory, 'fifo', { kind: 'fifo', mode: 0o600, major: 0, minor: 0 });
  makeNodeAt(directory, 'block', { kind: 'block-device', mode: 0o600, major: 1, minor: 2 });
  makeSymlinkAt(directory, 'link', '/etc/passwd');
  makeDirectoryAt(directory, 'directory', 0o1777);
  closeSync(openAt(directory, 'file', constants.O_CREAT | constants.O_WRONLY, 0o600));
  linkAt({ directory, name: 'file' }, directory, 'other');
  const kinds = readDirectory(directory).map((name) => [name, statusAt(directory, name).kind]);
  assert.deepEqual(Object.fromEntries(kinds), {
    fifo: 'fifo',
    block: 'block-device',
    link: 'symlink',
    directory: 'directory',
    file: 'file',
    other: 'file',
  });
  assert.equal(statusAt(directory, 'file').inode, statusAt(directory, 'other').inode);
  assert.equal(statusAt(directory, 'file').links, 2);
  linkAt({ directory, name: 'link' }, directory, 'second link');
  assert.equal(readlinkSync(join(path, 'second link')), '/etc/passwd');
});

test('no call goes through a symbolic link', () => {
  const outside = mkdtempSync(join(tmpdir(), 'berth-outside-'));
  try {
    writeFileSync(join(outside, 'file'), 'kept');
    symlinkSync(join(outside, 'file'), join(path, 'file'));
    symlinkSync(outside, join(path, 'directory'));
    assert.throws(() => openAt(directory, 'file', constants.O_WRONLY), { code: 'ELOOP' });
    changeOwnerAt(directory, 'file', 1, 1);
    setTimesAt(directory, 'file', { accessedNanos: 1n, modifiedNanos: 1n });
    removeTreeAt(directory, 'directory');
    removeTreeAt(directory, 'file');
    assert.equal(readFileSync(join(outside, 'file'), 'utf8'), 'kept');
    assert.equal(statSync(join(outside, 'file')).uid, process.getuid?.());
    assert.deepEqual(readDirectory(directory), []);
  } finally {
    rmSync(outside, { recursive: true });
  }
});

test('a tree that is deeper than a path can be is removed', () => {
  const name = 'd'.repeat(200);
  let at = openAt(directory, '.', constants.O_RDONLY | constants.O_DIRECTORY);
  for (let depth = 0; depth < 40; depth++) {
    makeDirectoryAt(at, name, 0o700);
    const below = openAt(at, name, constants.O_RDONLY | constants.O_DIRECTORY);
    closeSync(at);
    at = below;
  }
  closeSync(at);
  removeTreeAt(directory, name);
  assert.deepEqual(readDirectory(directory), []);
  removeTreeAt(directory, name);
});

test('a path below a root stays below it', () => {
  mkdirSync(join(path, 'root/inside'), { recursive: true });
  mkdirSync(join(path, 'etc'));
  symlinkSync('/etc', join(path, 'root/absolute'));
  symlinkSync('../../../../etc', join(path, 'root/inside/relative'));
  const root = openSync(join(path, 'root'), constants.O_RDONLY);
  const resolve = (below: string) => {
    const fd = openDirectoryInRoot(root, below);
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } finally {
      closeSync(fd);
    }
  };
  try {
    assert.equal(resolve(''), join(path, 'root'));
    assert.equal(resolve('inside'), join(path, 'root/inside'));
    assert.equal(resolve('../../inside/..'), join(path, 'root'));
    assert.throws(() => resolve('absolute'), { code: 'ENOENT' });
    assert.throws(() => resolve('inside/relative'), { code: 'ENOENT' });
    mkdirSync(join(path, 'root/etc'));
    assert.equal(resolve('absolute'), join(path, 'root/etc'));
    assert.equal(resolve('inside/relative'), join(path, 'root/etc'));
  } finally {
    closeSync(root);
  }
});

test('attributes of files and links are bytes, and what is missing is undefined', () => {
  const value = Buffer.from([0, 255, 10, 61, 0]);
  closeSync(openAt(directory, 'file', constants.O_CREAT | constants.O_WRONLY, 0o600));
  makeSymlinkAt(directory, 'link', 'file');
  setXattrAt(directory, 'file', 'user.bytes', value);
  setXattrAt(directory, 'file', 'user.empty', Buffer.alloc(0));
  setXattrAt(directory, 'link', 'trusted.link', value);
  setXattrAt(directory, '', 'trusted.directory', value);
  assert.deepEqual(getXattrAt(directory, 'file', 'user.bytes'), value);
  assert.deepEqual(getXattrAt(directory, 'file', 'user.empty'), Buffer.alloc(0));
  assert.deepEqual(getXattrAt(directory, 'link', 'trusted.link'), value);
  assert.deepEqual(getXattrAt(directory, '', 'trusted.directory'), value);
  assert.equal(getXattrAt(directory, 'file', 'user.none'), undefined);
  assert.deepEqual(listXattrsAt(directory, 'file').sort(), ['user.bytes', 'user.empty']);
  assert.throws(() => setXattrAt(directory, 'link', 'user.none', value), { code: 'EPERM' });
});

test('a rename moves a name between directories', () => {
  makeDirectoryAt(directory, 'to', 0o700);
  closeSync(openAt(directory, 'file', constants.O_CREAT | constants.O_WRONLY, 0o600));
  const to = openAt(directory, 'to', constants.O_RDONLY);
  renameAt(directory, 'file', to, 'moved');
  assert.deepEqual([readDirectory(directory), readDirectory(to)], [['to'], ['moved']]);
  closeSync(to);
});
