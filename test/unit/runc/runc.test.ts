import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { runCommand } from '../../../src/runc/command.js';
import { lastError } from '../../../src/runc/last-error.js';
import { Runc } from '../../../src/runc/runc.js';
import { spawnByNode } from '../../../src/runc/spawn-program.js';

const spawn = spawnByNode();
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-runc-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** A runtime that behaves as told: $3 is where --log points to. */
function fakeRuntime(script: string): Runc {
  const binary = join(directory, 'runtime');
  writeFileSync(binary, `#!/bin/sh\n${script}\n`);
  chmodSync(binary, 0o755);
  return new Runc({ binary, root: join(directory, 'root'), systemdCgroup: false, directory, spawn });
}

const createOptions = { bundle: '.', pidFile: 'init.pid', noPivotRoot: false, noNewKeyring: false };

test('the last error of the log is the message; without one the last line of stderr', () => {
  const log = '{"level":"error","msg":"first"}\n{"level":"error","msg":"last "}\n{"level":"info","msg":"x"}\nlast\n';
  assert.equal(lastError(log), 'last');
  assert.equal(lastError('panic: oops\n\ngoroutine 1\n'), 'goroutine 1');
  assert.equal(lastError('\n'), undefined);
  assert.equal(lastError('"just a string"\n'), '"just a string"');
  assert.equal(lastError('x'.repeat(10_000))?.length, 4096);
});

test('a failed create has containerd’s prefix and the runtime’s message, and leaves no log file', async () => {
  const runc = fakeRuntime(`echo '{"level":"error","msg":"runc create failed: no"}' >> "$4"; exit 1`);
  await assert.rejects(runc.create('c', createOptions), {
    kind: 'unknown',
    message: 'OCI runtime create failed: runc create failed: no',
  });
  assert.deepEqual(readdirSync(directory), ['runtime']);
});

test('a runtime that says nothing is quoted with its exit', async () => {
  await assert.rejects(fakeRuntime('exit 3').start('c'), { message: 'OCI runtime start failed: exit status 3' });
  await assert.rejects(fakeRuntime('kill -9 $$').start('c'), { message: 'OCI runtime start failed: signal: SIGKILL' });
  await assert.rejects(fakeRuntime('echo oops >&2; exit 1').start('c'), { message: 'OCI runtime start failed: oops' });
});

test('a runtime that is not there reads as Go’s os/exec says it', async () => {
  const settings = { root: 'r', systemdCgroup: false, directory, spawn };
  const message = 'OCI runtime create failed: exec: "no-such-runtime": executable file not found in $PATH';
  const runc = new Runc({ ...settings, binary: 'no-such-runtime' });
  await assert.rejects(runc.create('c', createOptions), { message });
  await assert.rejects(new Runc({ ...settings, binary: '/no/runtime' }).start('c'), {
    message: 'OCI runtime start failed: fork/exec /no/runtime: no such file or directory',
  });
});

test('deleting what the runtime does not know succeeds, killing it is not found', async () => {
  const runc = fakeRuntime(`echo '{"level":"error","msg":"container does not exist"}' >> "$4"; exit 1`);
  await runc.delete('c');
  await assert.rejects(runc.kill('c', 9, true), { kind: 'not-found', message: 'no such container' });
  const finished = fakeRuntime(`echo '{"level":"error","msg":"os: process already finished"}' >> "$4"; exit 1`);
  await assert.rejects(finished.kill('c', 9, true), { kind: 'not-found', message: 'process already finished' });
  await assert.rejects(finished.delete('c', true), {
    message: 'failed to delete task: os: process already finished',
  });
});

test('a runtime that hangs is killed at the deadline', async () => {
  const spawned: number[] = [];
  const outcome = await runCommand({
    binary: 'sleep',
    argumentsFor: () => ['60'],
    directory,
    timeoutMs: 50,
    spawn: spawnByNode((child) => spawned.push(child.pid ?? 0)),
  });
  assert.deepEqual(outcome, { ok: false, timedOut: true, message: 'took longer than 50 ms' });
  assert.throws(() => process.kill(spawned[0] ?? 0, 0), { code: 'ESRCH' });
});

test('arguments reach the runtime, and the descriptors are its stdio', async () => {
  const runc = fakeRuntime('echo "$@" > args; exit 0');
  await runc.create('c', createOptions, [0, 1, 2]);
  const words = readFileSync(join(directory, 'args'), 'utf8').trim().split(' ');
  assert.deepEqual(words.slice(-6), ['create', '--bundle', '.', '--pid-file', 'init.pid', 'c']);
});
