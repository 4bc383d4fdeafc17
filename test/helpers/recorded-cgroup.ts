// Recorded cgroup trees of test/fixtures/cgroups, unpacked into a directory of their own: a line `== PATH` before the
// text of each file. A test may change files and take some away.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const fixtures = resolve(import.meta.dirname, '../../../test/fixtures/cgroups');

export class RecordedCgroup {
  readonly directory = mkdtempSync(join(tmpdir(), 'berth-cgroup-'));

  constructor(recording: string) {
    for (const file of readFileSync(join(fixtures, `${recording}.txt`), 'utf8')
      .split(/^== /m)
      .slice(1)) {
      const end = file.indexOf('\n');
      this.write(file.slice(0, end), file.slice(end + 1));
    }
  }

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  /** A file, or a controller's whole directory. */
  remove(...names: string[]): void {
    for (const name of names) rmSync(this.path(name), { recursive: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}
