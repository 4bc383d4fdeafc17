// `berth run` in the foreground: streams, exit codes, failures, and that nothing is left behind.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { afterEach, test } from 'node:test';
import { type ProgramOptions, runProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { fifoDirectories, runToEnd } from './cli-runs.js';

const daemon = useBerthd();

afterEach(() => assert.deepEqual(fifoDirectories(daemon()), []));

async function run(args: readonly string[], options: ProgramOptions = {}) {
  return await runToEnd(daemon(), args, options);
}

test('both outputs and the exit code come through', async () => {
  const { stdout, stderr, code } = await run(['both', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
  assert.deepEqual({ stdout, stderr, code }, { stdout: 'out\n', stderr: 'err\n', code: 7 });
});

test('a container that a signal ended has 128 and the signal as its code', async () => {
  assert.equal((await run(['sig', 'sh', '-c', 'sh -c "kill -SEGV \\$\\$"; exit $?'])).code, 139);
});

test('without -i the container has no input, and options after the id are the command', async () => {
  const { stdout, code } = await run(['noinput', 'sh', '-c', 'cat; echo "$@"', '--', '--rm', '-d', '--', '-o'], {
    input: 'not for you',
  });
  assert.deepEqual({ stdout, code }, { stdout: '--rm -d -- -o\n', code: 0 });
});

test('eight megabytes go through stdin and stdout unchanged', async () => {
  const input = randomBytes(8 * 1024 * 1024);
  const { stdoutBytes, code } = await run(['-i', 'mega', 'cat'], { input });
  assert.equal(code, 0);
  assert.equal(
    createHash('sha256').update(stdoutBytes).digest('hex'),
    createHash('sha256').update(input).digest('hex'),
  );
});

test('a slow reader of our output loses nothing', async () => {
  const command = daemon().berthCommand(['run', '--rm', '--rootfs', daemon().rootfs, 'slow']);
  const script = 'head -c 3000000 /dev/zero; echo end';
  const line = '"$@" | { sleep 0.5; wc -c; }';
  const { stdout } = await runProgram('sh', ['-c', line, 'sh', ...command, 'sh', '-c', script]);
  assert.equal(stdout.trim(), String(3_000_000 + 4));
});

test('when the reader of our output goes away the container goes too', async () => {
  const command = daemon().berthCommand(['run', '--rm', '--rootfs', daemon().rootfs, 'yes', 'yes']);
  const { stdout } = await runProgram('bash', ['-c', '"$@" | head -n 2; echo ${PIPESTATUS[0]}', 'bash', ...command]);
  assert.equal(stdout, 'y\ny\n141\n');
});

test('an output that takes nothing ends the container and the run with 125', async () => {
  const command = daemon().berthCommand(['run', '--rm', '--rootfs', daemon().rootfs, 'full', 'yes']);
  const { stderr, code } = await runProgram('sh', ['-c', '"$@" > /dev/full', 'sh', ...command]);
  assert.equal(code, 125);
  assert.match(stderr, /^berth: cannot write to standard output: ENOSPC.*\n$/);
});

test('a command that is not there ends with 127 and the words of runc, and leaves nothing', async () => {
  const { stderr, code } = await run(['absent', '/no/such']);
  assert.equal(code, 127);
  assert.match(stderr, /^berth: .*exec: "\/no\/such": .*no such file or directory.*\n$/);
  assert.equal((await run(['absent', 'no-such'])).code, 127);
});

test('a command that cannot be executed ends with 126', async () => {
  assert.equal((await run(['refused', '/etc/passwd'])).code, 126);
});

test('a container that never started is removed without --rm too', async () => {
  const { code } = await daemon().berth(['run', '--rootfs', daemon().rootfs, 'never', '/no/such']);
  assert.equal(code, 127);
});

test('an id that is taken ends with 125 and leaves the other container alone', async () => {
  await daemon().berth(['run', '-d', '--rootfs', daemon().rootfs, 'taken', 'sleep', '1000']);
  const { stderr, code } = await run(['taken', 'true']);
  assert.equal(code, 125);
  assert.match(stderr, /taken.*already exists/);
  const { stdout } = await daemon().berth(['ps', '-q']);
  assert.equal(stdout, 'taken\n');
  await daemon().berth(['rm', '-f', 'taken']);
});

for (const id of ['..', 'a/b', 'x'.repeat(77)]) {
  test(`the id ${id} is refused with 125`, async () => {
    const { stderr, code } = await run([id, 'true']);
    assert.equal(code, 125);
    assert.match(stderr, /^berth: .*\n$/);
  });
}
