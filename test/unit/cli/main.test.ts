// `berth` as a program, as far as it needs no daemon: help, mistakes in the command line, an unreachable daemon.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { commands, groups } from '../../../src/cli/command-table.js';
import { type ProgramOptions, runProgram } from '../../helpers/program.js';

const main = resolve(import.meta.dirname, '../../../bin/berth/main.js');

async function berth(args: readonly string[], options: ProgramOptions = {}) {
  return await runProgram(process.execPath, [main, ...args], {
    ...options,
    env: { BERTH_ADDRESS: '', BERTH_NAMESPACE: '', ...options.env },
  });
}

const absent = '/nonexistent/berth.sock';

test('the help names every command and group', async () => {
  const { stdout, stderr, code } = await berth(['--help']);
  assert.deepEqual({ stderr, code }, { stderr: '', code: 0 });
  for (const name of [...Object.keys(commands).filter((name) => !name.includes(' ')), ...Object.keys(groups)]) {
    assert.match(stdout, new RegExp(`^  ${name}\\b`, 'm'));
  }
});

for (const name of Object.keys(commands)) {
  test(`berth ${name} has a help with its usage, the global options and an example`, async () => {
    const { stdout, code } = await berth([...name.split(' '), '--help']);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^Usage: berth ${name}\\b`));
    assert.match(stdout, /--address <socket>/);
    assert.match(stdout, new RegExp(`\\n(?:  |.*\\| )berth (?:.* )?${name}\\b`));
    assert.doesNotMatch(stdout, /^.{121,}$/m);
  });
}

test('berth help COMMAND is the help of the command, of a group too', async () => {
  assert.equal(
    (await berth(['help', 'containers', 'ls'])).stdout,
    (await berth(['containers', 'ls', '--help'])).stdout,
  );
  assert.match((await berth(['help', 'c'])).stdout, /^Usage: berth containers /);
  assert.match((await berth(['help'])).stdout, /^Usage: berth /);
});

for (const [args, message] of [
  [['frob'], "unknown command 'frob' (see 'berth --help')"],
  [['help', 'frob'], "unknown command 'frob' (see 'berth --help')"],
  [['containers', 'frob'], "unknown command 'frob' (see 'berth --help')"],
  [['ps', '--frob'], "unknown option '--frob' (see 'berth ps --help')"],
  [['run'], "missing required argument 'image' (see 'berth run --help')"],
  [
    ['run', '--rootfs', '/x', '--name', 'n', 'x'],
    "option '--name <id>' cannot be used with option '--rootfs <dir>' (see 'berth run --help')",
  ],
  [
    ['run', '--rootfs', '/a', '--bundle', '/b', 'x'],
    "option '--rootfs <dir>' cannot be used with option '--bundle <dir>' (see 'berth run --help')",
  ],
  [
    ['run', '--rm', '-d', '--rootfs', '/a', 'x'],
    "option '--rm' cannot be used with option '-d, --detach' (see 'berth run --help')",
  ],
  [['run', '--memory', 'much', '--rootfs', '/a', 'x'], 'memory "much" is not a size such as 512m or 1g'],
  [['kill', '-s', 'FOO', 'x'], 'unknown signal "FOO"'],
  [['exec', '-d', '-t', 'x', 'sh'], 'an exec that is detached (-d) has no input (-i) and no terminal (-t)'],
  [['run', '-it', '--rootfs', '/', 'x', 'sh'], 'standard input is not a terminal: leave -t or -i out'],
  [['exec', '-it', 'x', 'sh'], 'standard input is not a terminal: leave -t or -i out'],
  [['ps', '--address', 'http://x'], "address http://x is neither a socket's path nor tcp://HOST:PORT"],
  [['api', 'call', 'Tasks/Kill', '{'], /^the request is not JSON: /],
  [
    ['-o', 'xml', 'ps'],
    "option '-o, --output <format>' argument 'xml' is invalid. Allowed choices are table, json. (see 'berth --help')",
  ],
] as const) {
  test(`berth ${args.join(' ')} is a usage error on one line`, async () => {
    const { stdout, stderr, code } = await berth(['--address', absent, ...args]);
    assert.deepEqual({ stdout, code }, { stdout: '', code: 2 });
    assert.equal(stderr.split('\n').length, 2);
    const text = stderr.trimEnd().replace(/^berth: /, '');
    assert.ok(typeof message === 'string' ? text === message : message.test(text), text);
  });
}

test('berth without a command shows its help and fails', async () => {
  const { stdout, stderr, code } = await berth([]);
  assert.deepEqual({ stdout, code }, { stdout: '', code: 2 });
  assert.match(stderr, /^Usage: berth /);
});

for (const args of [['ps'], ['stop', 'x'], ['events'], ['api', 'call', 'Version/Version'], ['version']]) {
  test(`berth ${args.join(' ')} says how to start the daemon that is not there`, async () => {
    const { stderr, code } = await berth([...args, '--address', absent]);
    assert.equal(code, 1);
    assert.equal(
      stderr,
      `berth: cannot reach berthd at ${absent} (there is no such socket): start it with 'berthd' as root, or name its socket with --address\n`,
    );
  });
}

test('run and exec end with 125 where the daemon is not there', async () => {
  const run = await berth(['--address', absent, 'run', '--rootfs', '/', 'x', 'true']);
  assert.equal(run.code, 125);
  const exec = await berth(['--address', absent, 'exec', 'x', 'true']);
  assert.equal(exec.code, 125);
});

test('a rootfs or bundle that is not there is named', async () => {
  const rootfs = await berth(['run', '--rootfs', '/no/such', 'x']);
  assert.deepEqual([rootfs.code, /rootfs: .*'\/no\/such'/.test(rootfs.stderr)], [125, true]);
  const bundle = await berth(['run', '--bundle', '/no/such', 'x']);
  assert.deepEqual([bundle.code, /\/no\/such\/config\.json/.test(bundle.stderr)], [125, true]);
});

test('the address comes from the environment, and the command line counts before it', async () => {
  const fromEnvironment = await berth(['ps'], { env: { BERTH_ADDRESS: '/nonexistent/a' } });
  assert.match(fromEnvironment.stderr, /\/nonexistent\/a /);
  const given = await berth(['ps', '--address', '/nonexistent/b'], { env: { BERTH_ADDRESS: '/nonexistent/a' } });
  assert.match(given.stderr, /\/nonexistent\/b /);
});

test('the version needs no daemon', async () => {
  assert.match((await berth(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  const { stdout, code } = await berth(['version', '--client', '-o', 'json']);
  assert.equal(code, 0);
  assert.deepEqual(Object.keys(JSON.parse(stdout) as object), ['client', 'server']);
});

test('an output that takes nothing is a failure with its reason', async () => {
  const { stderr, code } = await runProgram('sh', [
    '-c',
    '"$@" > /dev/full',
    'sh',
    process.execPath,
    main,
    'api',
    'ls',
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /^berth: cannot write to standard output: ENOSPC.*\n$/);
});

test('api ls lists methods without a daemon, as a table and as JSON', async () => {
  const { stdout } = await berth(['api', 'ls', 'tasks/wait']);
  assert.match(
    stdout,
    /^METHOD +REQUEST +RESPONSE\ncontainerd\.services\.tasks\.v1\.Tasks\/Wait +WaitRequest +WaitResponse\n$/,
  );
  const json = await berth(['api', 'ls', 'tasks/wait', '-o', 'json']);
  assert.deepEqual(JSON.parse(json.stdout), [
    {
      service: 'containerd.services.tasks.v1.Tasks',
      method: 'Wait',
      request: 'WaitRequest',
      response: 'WaitResponse',
      requestStream: false,
      responseStream: false,
    },
  ]);
});

test('doctor works without a daemon and says what to do', async () => {
  const { stdout } = await berth(['doctor', '-o', 'json', '--address', absent]);
  const findings = JSON.parse(stdout) as { check: string; status: string; detail: string; advice: string | null }[];
  for (const check of ['node', 'kernel', 'pidfd', 'cgroup', 'user', 'capabilities', 'runtime', 'criu', 'daemon']) {
    assert.ok(
      findings.some((finding) => finding.check === check),
      check,
    );
  }
  assert.ok(findings.every(({ status, advice }) => (status === 'OK') === (advice === null)));
  assert.match(findings.find(({ check }) => check === 'daemon')?.detail ?? '', /none answers at \/nonexistent/);
});

test('doctor fails where the runtime is missing', async () => {
  const { stdout, code } = await berth(['doctor', '--runtime', 'berth-no-such-runtime', '--address', absent]);
  assert.equal(code, 1);
  assert.match(stdout, /^FAIL {2}runtime +berth-no-such-runtime is not on PATH\n +install it/m);
});

for (const args of [['--help'], ['--version'], ['run', '--help'], ['version', '--client']]) {
  test(`berth ${args.join(' ')} loads neither gRPC nor tables`, async () => {
    const loaded = await loadedModules(args);
    assert.ok(loaded.some((url) => url.endsWith('src/cli/program.js')));
    assert.deepEqual(
      loaded.filter((url) => /node_modules\/(?:@grpc|cli-table3|execa|koffi)\//.test(url)),
      [],
    );
  });
}

/** The modules that a command has loaded, from V8's record of what ran; the bundle runs its parts as late as they are loaded. */
async function loadedModules(args: readonly string[]): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-coverage-'));
  try {
    const modules = resolve(import.meta.dirname, '../../../src/cli/main.js');
    await runProgram(process.execPath, [modules, ...args], { env: { NODE_V8_COVERAGE: directory } });
    const texts = await Promise.all((await readdir(directory)).map((name) => readFile(join(directory, name), 'utf8')));
    return texts.flatMap((text) => (JSON.parse(text) as { result: { url: string }[] }).result.map(({ url }) => url));
  } finally {
    await rm(directory, { recursive: true });
  }
}
