// Shims run without V8's worker threads; so must their wire.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const fixture = fileURLToPath(new URL('./self-call.js', import.meta.url));

test('a single-threaded process without a pool serves and calls', async () => {
  const run = promisify(execFile)(process.execPath, ['--single-threaded', '--v8-pool-size=0', fixture], {
    timeout: 20_000,
  });
  assert.deepEqual(await run, { stdout: '1000 calls, 1000 messages\n', stderr: '' });
});
