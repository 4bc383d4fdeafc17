import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { poll } from '../../../src/base/deadline.js';
import { type ProgramStart, spawnProgram } from '../../../src/linux/spawn.js';
import { waitPid } from '../../../src/linux/wait.js';

let directory: string;

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'berth-spawn-')));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Runs a shell script to its end, and gives its exit and what it has written. */
async function runScript(script: string, more: Partial<ProgramStart> = {}) {
  const nothing = openSync('/dev/null', 'r+');
  const out = openSync(join(directory, 'out'), 'w');
  try {
    const given = { file: 'sh', args: ['-c', script], directory, environment: process.env };
    const pid = spawnProgram({ ...given, stdio: [nothing, out, out], ...more });
    const exit = await poll(() => waitPid(pid), { limitMs: 10_000, intervalMs: 5, what: 'its end' });
    return { exit, output: readFileSync(join(directory, 'out'), 'utf8') };
  } finally {
    closeSync(nothing);
    closeSync(out);
  }
}

test('a program gets its arguments, directory, environment and stdio, and its parent its exit', async () => {
  const environment = { ...process.env, WORD: 'a = b' };
  const { exit, output } = await runScript('pwd; echo "$WORD"; echo err >&2; cat; exit 3', { environment });
  assert.equal(output, `${directory}\na = b\nerr\n`);
  assert.deepEqual(exit, { status: 3, signal: 0 });
});

test('a program inherits no descriptor that is to be closed at exec', async () => {
  const secret = openSync(join(directory, 'secret'), 'w');
  try {
    const { output } = await runScript('ls -l /proc/$$/fd');
    assert.doesNotMatch(output, /secret/);
    assert.match(output, /out/);
  } finally {
    closeSync(secret);
  }
});

test('a program has every signal at its default, though Node ignores SIGPIPE and we handle another', async () => {
  const onHangup = (): void => undefined;
  process.on('SIGHUP', onHangup);
  try {
    const { output } = await runScript('grep -E "^Sig(Ign|Blk)" /proc/self/status');
    const [blocked, ignored] = ['SigBlk', 'SigIgn'].map((name) => {
      return BigInt(`0x${new RegExp(`${name}:\\s*([0-9a-f]+)`).exec(output)?.[1]}`);
    });
    assert.equal(blocked, 0n);
    // libc keeps 32 and 33 to itself.
    assert.equal((ignored ?? 0n) & 0x7fff_ffffn, 0n);
  } finally {
    process.off('SIGHUP', onHangup);
  }
});

test('what cannot be run is an error with the system’s code, and no child', () => {
  const stdio = [0, 1, 2] as const;
  const program = { args: [], directory, environment: {}, stdio };
  assert.throws(() => spawnProgram({ ...program, file: 'no-such-program' }), { code: 'ENOENT', syscall: 'spawn' });
  assert.throws(() => spawnProgram({ ...program, file: directory }), { code: 'EACCES' });
  assert.throws(() => spawnProgram({ ...program, file: 'true', directory: join(directory, 'absent') }), {
    code: 'ENOENT',
  });
  assert.throws(() => spawnProgram({ ...program, file: 'true', stdio: [1, 0, 2] }), RangeError);
});
