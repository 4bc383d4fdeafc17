// The daemon as a process: start, readiness, permissions, one per root, configuration, stop.
import assert from 'node:assert/strict';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot, startBerthd } from '../helpers/daemon.js';
import { listenForDatagrams } from '../helpers/datagram-socket.js';
import { runProgram, startProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

const main = join(projectRoot, 'dist/bin/berthd/main.js');

/** Runs another berthd to its end. */
async function berthd(...args: string[]) {
  return await runProgram(process.execPath, [main, ...args], { limitMs: 10_000 });
}

function paths(...names: string[]): string[] {
  const directory = daemon().path(...names);
  return ['--root', join(directory, 'root'), '--state', join(directory, 'state')];
}

async function mode(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

test('a second daemon on the same root says who holds it, and the first goes on', async () => {
  const { root } = daemon();
  const { stderr, code } = await berthd('--root', root, '--state', daemon().path('other'));
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`${root} is in use by another berthd \\(pid ${daemon().pid}\\)`));
  assert.equal(stderr.trim().split('\n').length, 1, 'one line, no stack');
  assert.equal((await daemon().ctr(['version'])).code, 0);
});

test('a second daemon on the same socket leaves it to the first', async () => {
  const { stderr, code } = await berthd(...paths('second'), '--address', daemon().socket);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`another process serves on ${daemon().socket}`));
  assert.equal((await daemon().ctr(['version'])).code, 0);
});

test('the socket is for its owner and group, and the directories cannot be listed by others', async () => {
  assert.equal(await mode(daemon().socket), 0o660);
  for (const path of [daemon().root, daemon().state]) {
    assert.equal((await mode(path)) & ~0o711, 0, `${path} is ${(await mode(path)).toString(8)}`);
  }
});

test('the log says ready, with the address', () => {
  assert.match(daemon().log, new RegExp(`ready.*${daemon().socket}`));
});

test('systemd is told when the daemon is ready and when it stops', async () => {
  const socket = daemon().path('notify');
  const listening = await listenForDatagrams(socket);
  const notifying = await startBerthd({ env: { NOTIFY_SOCKET: socket } });
  try {
    await listening.waitForOutput(/^READY=1$/m);
    assert.equal(await notifying.stop(), 0);
    await listening.waitForOutput(/^STOPPING=1$/m);
  } finally {
    listening.signal('SIGKILL');
    await listening.result();
    await notifying.dispose();
  }
});

test('SIGINT stops the daemon in order, too', async () => {
  const program = startProgram(process.execPath, [main, ...paths('interrupted')]);
  await program.waitForOutput(/^$/m);
  const socket = daemon().path('interrupted', 'state', 'berth.sock');
  const ready = await runProgram('sh', ['-c', `until [ -S ${socket} ]; do sleep 0.02; done`]);
  assert.equal(ready.code, 0);
  program.signal('SIGINT');
  const { code, stderr } = await program.result();
  assert.equal(code, 0, stderr);
  await assert.rejects(stat(socket), { code: 'ENOENT' });
});

test('the socket of a daemon that was killed is taken over', async () => {
  await daemon().restart('SIGKILL');
  assert.equal((await daemon().ctr(['version'])).code, 0);
});

test('the configuration file is used, and the command line wins over it', async () => {
  const directory = daemon().path('configured');
  await mkdir(directory);
  const file = join(directory, 'config.toml');
  const root = join(directory, 'root');
  await writeFile(file, `root = "${root}"\nstate = "${directory}/file-state"\nlog_format = "json"\n`);
  const state = join(directory, 'flag-state');
  const program = startProgram(process.execPath, [main, '--config', file, '--state', state]);
  await runProgram('sh', ['-c', `until [ -S ${state}/berth.sock ]; do sleep 0.02; done`]);
  program.signal('SIGTERM');
  const { stderr, code } = await program.result();
  assert.equal(code, 0, stderr);
  const ready = stderr.split('\n').map((line) => (line === '' ? {} : JSON.parse(line)));
  assert.ok(ready.some(({ message, address }) => message === 'ready' && address === `${state}/berth.sock`));
  assert.ok((await stat(join(root, 'db'))).isDirectory());
  await assert.rejects(stat(join(directory, 'file-state')), { code: 'ENOENT' });
});

for (const [what, text, pattern] of [
  ['no TOML', 'root = ', /config\.toml/],
  ['an unknown key', 'rooot = "/x"', /unknown key rooot/],
  ['a value of the wrong type', 'log_level = 3', /log_level/],
  ['a relative path', 'root = "var/lib"', /root/],
] as const) {
  test(`a configuration file with ${what} is refused in one line`, async () => {
    const file = daemon().path('bad-config.toml');
    await writeFile(file, text);
    const { stderr, code } = await berthd('--config', file, '--state', daemon().path('bad'));
    assert.equal(code, 1);
    assert.match(stderr, pattern);
    assert.match(stderr, new RegExp(file));
    assert.doesNotMatch(stderr, /\n {4}at /);
  });
}

test('a configuration file that is not there is named', async () => {
  const { stderr, code } = await berthd('--config', '/no/such/config.toml');
  assert.equal(code, 1);
  assert.match(stderr, /\/no\/such\/config\.toml/);
});

test('an option that does not exist is refused', async () => {
  const { stderr, code } = await berthd('--no-such-option');
  assert.equal(code, 1);
  assert.match(stderr, /unknown option '--no-such-option'/);
});

test('an address that is longer than a socket path may be is refused', async () => {
  const { stderr, code } = await berthd(...paths('long'), '--address', daemon().path('x'.repeat(110)));
  assert.equal(code, 1);
  assert.match(stderr, /longer than 107 bytes/);
});

test('a file at the address that is no socket is left alone', async () => {
  const file = daemon().path('a-file');
  await writeFile(file, 'precious');
  const { stderr, code } = await berthd(...paths('blocked'), '--address', file);
  assert.equal(code, 1);
  assert.match(stderr, /no socket/);
  assert.equal((await stat(file)).size, 8);
});

test('--help and --version answer without a daemon', async () => {
  const help = await berthd('--help');
  assert.equal(help.code, 0);
  for (const option of ['--config', '--root', '--state', '--address', '--runtime', '--log-level', '--log-format']) {
    assert.match(help.stdout, new RegExp(option));
  }
  assert.match((await berthd('--version')).stdout, /^\d+\.\d+\.\d+/);
});
