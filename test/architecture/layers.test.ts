// The layers of ARCHITECTURE.md, held against the real imports: who may see whom, and which package has which owner.
import assert from 'node:assert/strict';
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot, readSourceFiles, type SourceFile } from './source-files.js';

/** A room of the house, and the rooms it may import from besides itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'src/base': [],
  'src/linux': ['src/base'],
  'src/domain': ['src/base'],
  'src/generated': [],
  'src/runc': ['src/generated', 'src/domain', 'src/linux', 'src/base'],
  'src/ttrpc': ['src/generated', 'src/domain', 'src/linux', 'src/base'],
  'src/store': ['src/runc', 'src/ttrpc', 'src/generated', 'src/domain', 'src/linux', 'src/base'],
  'src/shims': ['src/runc', 'src/ttrpc', 'src/generated', 'src/domain', 'src/linux', 'src/base'],
  'src/images': ['src/store', 'src/runc', 'src/ttrpc', 'src/generated', 'src/domain', 'src/linux', 'src/base'],
  'src/supervisor': [
    ...['src/shims', 'src/images', 'src/store'],
    ...['src/runc', 'src/ttrpc', 'src/generated', 'src/domain', 'src/linux', 'src/base'],
  ],
  'src/api': [
    ...['src/supervisor', 'src/shims', 'src/images', 'src/store'],
    ...['src/generated', 'src/domain', 'src/linux', 'src/base'],
  ],
  'src/daemon': [
    ...['src/api', 'src/supervisor', 'src/shims', 'src/images', 'src/store'],
    ...['src/runc', 'src/ttrpc', 'src/generated', 'src/domain', 'src/linux', 'src/base'],
  ],
  'src/cli': ['src/generated', 'src/domain', 'src/linux', 'src/base'],
  shim: ['src/runc', 'src/ttrpc', 'src/generated', 'src/domain', 'src/linux', 'src/base'],
};

/** Packages that only some rooms may import; one that is not here is a surprise, and fails. */
const owners: Readonly<Record<string, readonly string[]>> = {
  koffi: ['src/linux'],
  level: ['src/store'],
  winston: ['src/daemon'],
  'smol-toml': ['src/daemon'],
  commander: ['src/daemon', 'src/cli'],
  'cli-table3': ['src/cli'],
  execa: ['src/cli', 'src/images'],
  '@grpc/grpc-js': ['src/daemon', 'src/api', 'src/cli', 'src/generated'],
  '@grpc/proto-loader': ['src/api', 'src/cli'],
  '@grpc/reflection': ['src/api'],
  'grpc-health-check': ['src/api'],
  '@bufbuild/protobuf': ['src/cli', 'src/api', 'src/ttrpc', 'src/generated'],
  'tar-stream': ['src/images'],
  zstddec: ['src/images'],
  undici: ['src/images'],
  'cli-progress': ['src/cli'],
};

/** Each costs the shim more memory or time to start than it may have. */
const tooHeavyForShim = ['level', 'winston', '@grpc/grpc-js', '@grpc/proto-loader', 'execa', 'commander'];

const files = readSourceFiles('src', 'shim');
const byPath = new Map(files.map((file) => [file.path, file]));

test('every source file is in a room of the table', () => {
  const homeless = files.filter(({ path }) => !(roomOf(path) in allowed));
  assert.deepEqual(pathsOf(homeless), []);
});

test('every relative import is a file of the project', () => {
  const missing = files.flatMap((file) =>
    file.files.filter((path) => !byPath.has(path)).map((to) => `${file.path} -> ${to}`),
  );
  assert.deepEqual(missing, []);
});

for (const [room, below] of Object.entries(allowed)) {
  test(`${room} imports only ${below.length === 0 ? 'itself' : below.join(', ')}`, () => {
    const wrong = filesOf(room).flatMap((file) =>
      file.files
        .filter((to) => roomOf(to) !== room && !below.includes(roomOf(to)))
        .map((to) => `${file.path} -> ${to}`),
    );
    assert.deepEqual(wrong, []);
  });
}

test('every package is imported only by its owners', () => {
  const wrong = files.flatMap((file) =>
    file.packages
      .filter((name) => !name.startsWith('node:') && owners[name]?.includes(roomOf(file.path)) !== true)
      .map((name) => `${file.path} -> ${name}`),
  );
  assert.deepEqual(wrong, []);
});

test('every package that is installed for production is imported by somebody', () => {
  const { dependencies } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  const imported = new Set(files.flatMap((file) => file.packages));
  assert.deepEqual(
    Object.keys(dependencies).filter((name) => !imported.has(name)),
    [],
  );
});

test('nothing that the shim loads, however indirectly, is too heavy for it', () => {
  const loaded = loadedBy(filesOf('shim'));
  const wrong = loaded.flatMap((file) =>
    file.packages.filter((name) => tooHeavyForShim.includes(name)).map((name) => `${file.path} -> ${name}`),
  );
  assert.deepEqual(wrong, []);
});

test('only the mains and the command line read the environment, and runc is handed it', () => {
  const readers = files.filter(({ text }) => /\bprocess\.env(\[|,|\))/.test(text)).map(({ path }) => roomOf(path));
  assert.deepEqual(
    [...new Set(readers)].filter((room) => !['src/daemon', 'src/cli', 'src/runc', 'shim'].includes(room)),
    [],
  );
});

test('every file but generated ones says in its first line what it owns', () => {
  const silent = files.filter(({ path, text }) => {
    const first = text.split('\n').find((line) => !line.startsWith('#!')) ?? '';
    return roomOf(path) !== 'src/generated' && !/^\/\/ \S.{10,}/.test(first);
  });
  assert.deepEqual(pathsOf(silent), []);
});

test('package.json names programs that are built', () => {
  const { bin } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  assert.deepEqual(Object.keys(bin), ['berthd', 'berth', 'containerd-shim-berth-v2']);
  for (const program of Object.values(bin)) {
    const path = join(projectRoot, program);
    assert.match(readFileSync(path, 'utf8'), /^#!\/(usr\/bin\/env node|bin\/sh)\n/);
    assert.doesNotThrow(() => accessSync(path, constants.X_OK), program);
  }
});

/** `src/NAME` or `shim`. */
function roomOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'src' ? `${first}/${second}` : first;
}

function filesOf(room: string): SourceFile[] {
  return files.filter(({ path }) => roomOf(path) === room);
}

function pathsOf(some: readonly SourceFile[]): string[] {
  return some.map(({ path }) => path);
}

/** The files and everything that is loaded with them. */
function loadedBy(start: readonly SourceFile[]): SourceFile[] {
  const seen = new Set(start);
  for (const file of seen) {
    for (const path of file.loadedFiles) {
      const imported = byPath.get(path);
      if (imported !== undefined) seen.add(imported);
    }
  }
  return [...seen];
}
