// The built programs of dist/bin: each has a code cache that this Node takes, and runs as well without one that fits.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { readCodeCache } from '../../src/base/code-cache.js';
import { zygoteFlags } from '../../src/shims/zygote-process.js';

const home = resolve(import.meta.dirname, '../../..');
const directory = mkdtempSync(join(tmpdir(), 'berth-bundles-'));
after(() => rmSync(directory, { recursive: true }));

const takenOrRejected = `
  const { readFileSync } = require('node:fs');
  const [filename, cache] = process.argv.slice(1);
  const cachedData = readFileSync(cache).subarray(4);
  const script = new (require('node:vm').Script)(readFileSync(filename, 'latin1'), { filename, cachedData });
  process.stdout.write(script.cachedDataRejected ? 'rejected' : 'taken');`;

for (const program of ['berthd', 'berth', 'shim', 'zygote']) {
  test(`${program} has a code cache of its source, which V8 takes`, () => {
    const source = join(home, 'dist/bin', program, 'program.js');
    const cache = join(home, 'dist/bin', program, 'program.cache');
    assert.ok(readCodeCache(cache, readFileSync(source)));
    const flags = program === 'zygote' ? zygoteFlags : [];
    assert.equal(runNode([...flags, '-e', takenOrRejected, source, cache]), 'taken');
  });
}

test('a program whose code cache is damaged, cut short or gone runs from its source', () => {
  const copy = copyOfBerth('damaged');
  const cache = join(copy, 'program.cache');
  const whole = readFileSync(cache);
  const help = runNode([join(copy, 'main.js'), '--help']);
  assert.match(help, /Usage: berth /);
  const damaged = Buffer.from(whole);
  damaged.fill(0x55, whole.length / 4, whole.length / 2);
  for (const left of [damaged, whole.subarray(0, whole.length / 2), Buffer.alloc(0)]) {
    writeFileSync(cache, left);
    assert.equal(runNode([join(copy, 'main.js'), '--help']), help);
  }
  rmSync(cache);
  assert.equal(runNode([join(copy, 'main.js'), '--help']), help);
});

test('a program that is newer than its code cache is the newer one', () => {
  const copy = copyOfBerth('newer');
  const source = join(copy, 'program.js');
  const [old, new_] = ['Create and start a container', 'Start and create a container'];
  assert.ok(runNode([join(copy, 'main.js'), '--help']).includes(old));
  writeFileSync(source, readFileSync(source, 'latin1').replaceAll(old, new_), 'latin1');
  assert.ok(runNode([join(copy, 'main.js'), '--help']).includes(new_));
});

/** The directory of a built `berth` that a test may change. */
function copyOfBerth(name: string): string {
  const bin = join(directory, name, 'dist/bin');
  mkdirSync(bin, { recursive: true });
  for (const shared of ['node_modules', 'package.json']) symlinkSync(join(home, shared), join(directory, name, shared));
  cpSync(join(home, 'dist/bin/package.json'), join(bin, 'package.json'));
  cpSync(join(home, 'dist/bin/berth'), join(bin, 'berth'), { recursive: true });
  return join(bin, 'berth');
}

function runNode(args: readonly string[]): string {
  return execFileSync(process.execPath, args, { encoding: 'utf8' });
}
