// `berth exec`: further processes in a running container.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { runProgram, startProgram, type ProgramOptions } from '../helpers/program.js';
import { startBerthd, type TestDaemon } from '../helpers/daemon.js';

// One container for all: what a test leaves in it is for the next to find.
let daemon: TestDaemon;
before(async () => {
  daemon = await startBerthd();
  await daemon.berth(['run', '-d', '--rootfs', daemon.rootfs, '-e', 'A=1', '--cwd', '/tmp', 'host', 'sleep', '1000']);
});
after(async () => {
  await daemon.berth(['rm', '-f', 'host']);
  await daemon.checkLeaks();
  await daemon.dispose();
});

async function exec(args: readonly string[], options: ProgramOptions = {}) {
  return await daemon.berth(['exec', ...args], options);
}

async function execIds(): Promise<string[]> {
  const { stdout } = await daemon.berth(['tasks', 'ps', 'host', '-o', 'json']);
  return (JSON.parse(stdout) as { execId: string | null }[]).flatMap(({ execId }) => execId ?? []);
}

test('both outputs and the exit code come through', async () => {
  const { stdout, stderr, code } = await exec(['host', 'sh', '-c', 'echo out; echo err >&2; exit 5']);
  assert.deepEqual({ stdout, stderr, code }, { stdout: 'out\n', stderr: 'err\n', code: 5 });
});

test('a megabyte goes through an exec unchanged', async () => {
  const input = randomBytes(1024 * 1024);
  const { stdoutBytes } = await exec(['-i', 'host', 'cat'], { input });
  assert.ok(stdoutBytes.equals(input));
});

test('a short input reaches an exec that reads late', async () => {
  const { stdout } = await exec(['-i', 'host', 'sh', '-c', 'sleep 0.2; cat'], { input: 'word' });
  assert.equal(stdout, 'word');
});

test('an exec has the environment and the directory of its container, and what is asked for instead', async () => {
  assert.equal((await exec(['host', 'sh', '-c', 'echo $A; pwd; id -u'])).stdout, '1\n/tmp\n0\n');
  const options = ['--env', 'A=2', '--cwd', '/', '--user', '7:8'];
  assert.equal((await exec([...options, 'host', 'sh', '-c', 'echo $A; pwd; id -u'])).stdout, '2\n/\n7\n');
});

test('commands that are not there or cannot be executed end with 127 and 126, and leave no exec', async () => {
  assert.equal((await exec(['host', 'no-such'])).code, 127);
  assert.equal((await exec(['host', '/etc/passwd'])).code, 126);
  assert.deepEqual(await execIds(), []);
});

test('a container that is not there, or not running, ends with 125', async () => {
  const absent = await exec(['absent', 'true']);
  assert.equal(absent.code, 125);
  assert.match(absent.stderr, /absent.*not found/);
  await daemon.berth(['run', '--rootfs', daemon.rootfs, 'ended', 'true']);
  const ended = await exec(['ended', 'true']);
  assert.equal(ended.code, 125);
  await daemon.berth(['rm', 'ended']);
});

test('an exec id that is taken ends with 125 and leaves the other exec alone', async () => {
  assert.equal((await exec(['-d', '--exec-id', 'mine', 'host', 'sleep', '1000'])).stdout, 'mine\n');
  const { stderr, code } = await exec(['--exec-id', 'mine', 'host', 'true']);
  assert.equal(code, 125);
  assert.match(stderr, /mine.*already exists/);
  assert.deepEqual(await execIds(), ['mine']);
  assert.equal((await daemon.berth(['kill', '--exec-id', 'mine', 'host'])).code, 0);
});

test('a signal goes to the exec and not to the container', async () => {
  const script = 'trap "echo woken; exit 6" TERM; echo ready; while :; do sleep 0.05; done';
  const [file = '', ...args] = daemon.berthCommand(['exec', 'host', 'sh', '-c', script]);
  const program = startProgram(file, args);
  await program.waitForOutput(/ready/);
  program.signal('SIGTERM');
  const { stdout, code } = await program.result();
  assert.deepEqual({ stdout, code }, { stdout: 'ready\nwoken\n', code: 6 });
  assert.equal((await daemon.berth(['ps', '-q'])).stdout, 'host\n');
});

test('when the reader of our output goes away the exec goes too', async () => {
  const command = daemon.berthCommand(['exec', 'host', 'yes']);
  const { stdout } = await runProgram('bash', ['-c', '"$@" | head -n 1; echo ${PIPESTATUS[0]}', 'bash', ...command]);
  assert.equal(stdout, 'y\n141\n');
  const { stdout: processes } = await daemon.berth(['tasks', 'ps', 'host']);
  assert.doesNotMatch(processes, /yes/);
});

test('tasks ps tells an exec from other processes', async () => {
  await exec(['-d', '--exec-id', 'seen', 'host', 'sleep', '999']);
  const { stdout } = await daemon.berth(['tasks', 'ps', 'host']);
  assert.match(stdout, /^PID +EXEC +COMMAND\n/);
  assert.match(stdout, /^\d+ +- +sleep 1000$/m);
  assert.match(stdout, /^\d+ +seen +sleep 999$/m);
});
