// CRIU's last words, from logs as CRIU 4.2 writes them.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { criuErrors, criuErrorsOf } from '../../../src/runc/criu-errors.js';

const log = [
  "(00.022111) Error (criu/util.c:1533): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted",
  '(00.133000) Warn  (criu/image.c:10): nothing to worry about',
  "(00.133238) Error (criu/files-reg.c:1790): Can't lookup mount=27 for fd=1 path=/tmp/out",
  '(00.133249) Error (criu/cr-dump.c:1681): Dump files (pid: 8422) failed with -1',
  '(00.229884) Error (criu/cr-dump.c:2111): Dumping FAILED.',
].join('\n');

test('the cause and its consequence are told, and not what every run says', () => {
  assert.equal(
    criuErrorsOf(log),
    "Error (criu/files-reg.c:1790): Can't lookup mount=27 for fd=1 path=/tmp/out; " +
      'Error (criu/cr-dump.c:1681): Dump files (pid: 8422) failed with -1',
  );
});

test('the pid of a restored process before an error is left out', () => {
  assert.equal(criuErrorsOf('(00.1)      1: Error (criu/pstree.c:5): no\n'), 'Error (criu/pstree.c:5): no');
});

test('a log without errors, and one that is not there, tell nothing', () => {
  assert.equal(criuErrorsOf('(00.1) all is well\n'), '');
  assert.equal(criuErrors('/nonexistent/dump.log'), '');
});

test('only the end of a long log is read', () => {
  const directory = mkdtempSync(join(tmpdir(), 'criu-errors-'));
  try {
    const path = join(directory, 'dump.log');
    writeFileSync(path, `(00.0) Error (a.c:1): early\n${'(00.1) line\n'.repeat(20_000)}(00.2) Error (a.c:2): late\n`);
    assert.equal(criuErrors(path), 'Error (a.c:2): late');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
