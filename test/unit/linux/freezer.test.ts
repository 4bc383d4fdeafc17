// The freezer over directories that look like cgroups: what is written and what is believed.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { freezeCgroup, hasFreezer, isFrozen, thawCgroup } from '../../../src/linux/freezer.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'freezer-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(file: string, content: string): void {
  writeFileSync(join(directory, file), content);
}

function read(file: string): string {
  return readFileSync(join(directory, file), 'utf8');
}

test('a cgroup of v1 is frozen and thawed by its state, and is not frozen while it is freezing', async () => {
  const cgroup = { version: 1, directory } as const;
  write('freezer.state', 'THAWED\n');
  assert.ok(hasFreezer(cgroup));
  assert.ok(!isFrozen(cgroup));
  write('freezer.state', 'FREEZING\n');
  assert.ok(!isFrozen(cgroup));
  await freezeCgroup(cgroup);
  assert.equal(read('freezer.state'), 'FROZEN');
  assert.ok(isFrozen(cgroup));
  thawCgroup(cgroup);
  assert.ok(!isFrozen(cgroup));
});

test('a cgroup of v2 is frozen when its events say so, whatever was written', async () => {
  const cgroup = { version: 2, directory } as const;
  write('cgroup.freeze', '0');
  write('cgroup.events', 'populated 1\nfrozen 0\n');
  assert.ok(hasFreezer(cgroup));
  const freezing = freezeCgroup(cgroup);
  assert.equal(read('cgroup.freeze'), '1');
  assert.ok(!isFrozen(cgroup));
  write('cgroup.events', 'populated 1\nfrozen 1\n');
  await freezing;
  thawCgroup(cgroup);
  assert.equal(read('cgroup.freeze'), '0');
});

test('without the file there is no freezer, and what is gone is not frozen', () => {
  assert.ok(!hasFreezer(undefined));
  assert.ok(!hasFreezer({ version: 1, directory }));
  assert.ok(!isFrozen({ version: 1, directory }));
  assert.ok(!isFrozen({ version: 2, directory: join(directory, 'gone') }));
});
