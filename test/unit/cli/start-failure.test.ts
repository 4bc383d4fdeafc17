// Exit codes of runs that never began, from the messages of real runtimes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExitError, UsageError } from '../../../src/cli/cli-error.js';
import { startFailure, startFailureCode } from '../../../src/cli/start-failure.js';
import { BerthError } from '../../../src/domain/errors.js';

const prefix = 'OCI runtime create failed: runc create failed: unable to start container process: ';

for (const [message, code] of [
  [`${prefix}exec: "nosuch": executable file not found in $PATH: unknown`, 127],
  [`${prefix}exec: "/no/such": stat /no/such: no such file or directory: unknown`, 127],
  ['crun: executable file `nosuch` not found in $PATH: No such file or directory', 127],
  [`${prefix}exec: "/etc": permission denied: unknown`, 126],
  [`${prefix}exec: "/etc/": is a directory`, 126],
  [`${prefix}error during container init: error mounting "/no" to rootfs: stat /no: no such file or directory`, 125],
  ['rootfs: ENOENT: no such file or directory', 125],
  ['container x already exists', 125],
] as const) {
  test(`${code}: ${message}`, () => assert.equal(startFailureCode(message), code));
}

test('the message is one line, the cause is kept', () => {
  const cause = new BerthError('unknown', 'a\nb\n');
  const failure = startFailure(cause);
  assert.ok(failure instanceof ExitError);
  assert.deepEqual([failure.code, failure.message, failure.cause], [125, 'a b', cause]);
});

test('an end that has its code already keeps it, and so does a wrong command line', () => {
  const interrupted = new ExitError(130);
  const usage = new UsageError('x');
  assert.equal(startFailure(interrupted), interrupted);
  assert.equal(startFailure(usage), usage);
});
