// The project's own source files, and what each imports.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';

export interface SourceFile {
  /** Relative to the project, such as `src/store/store.ts`. */
  readonly path: string;
  readonly text: string;
  /** Paths of the project's files that it imports. */
  readonly files: readonly string[];
  /** Those of them that are loaded when it runs: all but what is imported only as types. */
  readonly loadedFiles: readonly string[];
  /** Names of the packages that it imports; Node's own have `node:` before them. */
  readonly packages: readonly string[];
}

export const projectRoot = resolve(import.meta.dirname, '../../..');

/** `from '...'`, `import '...'` and `import('...')`. */
const importPattern = /(?:\bfrom\s+|\bimport\s+|\bimport\(\s*|\brequire\(\s*)'([^']+)'/g;

export function readSourceFiles(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readSourceFile(join(folder, name))),
  );
}

function readSourceFile(path: string): SourceFile {
  const text = readFileSync(join(projectRoot, path), 'utf8');
  const names = importedNames(text);
  const filesIn = (some: readonly string[]) =>
    some
      .filter((name) => name.startsWith('.'))
      .map((name) => normalize(join(dirname(path), name)).replace(/\.js$/, '.ts'));
  return {
    path,
    text,
    files: filesIn(names),
    loadedFiles: filesIn(importedNames(text.replaceAll(/^(import|export) type [^;]*;/gm, ''))),
    packages: names.filter((name) => !name.startsWith('.')).map(packageName),
  };
}

function importedNames(text: string): string[] {
  return [...text.matchAll(importPattern)].flatMap((match) => match[1] ?? []);
}

/** `@grpc/grpc-js/build/x` is of the package `@grpc/grpc-js`. */
function packageName(name: string): string {
  if (name.startsWith('node:')) return name;
  return name.split('/', name.startsWith('@') ? 2 : 1).join('/');
}
