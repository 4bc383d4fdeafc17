// `berth attach`, and detaching from run, exec and attach: streams, codes, signals, terminals as they were.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { startProgram, type Program } from '../helpers/program.js';
import { startInTerminal, type TerminalProgram } from '../helpers/terminal.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { fifoDirectories } from './cli-runs.js';

const daemon = useBerthd();
const size = { columns: 100, rows: 30 };
const detachKeys = '\x10\x11';

async function succeed(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().berth(args);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function start(id: string, flags: readonly string[], ...command: string[]): Promise<void> {
  await succeed('run', '-d', ...flags, '--rootfs', daemon().rootfs, id, ...command);
}

async function remove(id: string): Promise<void> {
  await succeed('rm', '-f', id);
  assert.deepEqual(fifoDirectories(daemon()), []);
}

function startAttach(...args: string[]): Program {
  const [file = '', ...rest] = daemon().berthCommand(['attach', ...args]);
  return startProgram(file, rest, { keepStdin: true });
}

function attachInTerminal(...args: string[]): TerminalProgram {
  return startInTerminal(daemon().berthCommand(['attach', ...args]), size);
}

/** Before that, our own terminal takes keys such as ctrl-q for itself. */
async function waitForRaw(terminal: TerminalProgram): Promise<void> {
  const limits = { limitMs: 10_000, intervalMs: 50, what: 'a raw terminal' };
  await poll(async () => (await terminal.settings()).includes('-icanon') || undefined, limits);
}

/** Below a shell, so that the terminal is still there afterwards: what `stty -a` says of it then. */
function startBelowShell(...args: string[]): TerminalProgram {
  const quoted = daemon()
    .berthCommand(args)
    .map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return startInTerminal(['sh', '-c', `${quoted.join(' ')}; echo "ended $?"; stty -a; read line`], size);
}

async function assertRestored({ program }: TerminalProgram, code: number): Promise<void> {
  const output = await program.waitForOutput(new RegExp(`ended ${code}[^]*iexten`));
  assert.match(output.split('ended')[1] ?? '', / icanon [^]* echo /);
  program.write('\n');
  await program.result();
}

async function waitForStatus(id: string, status: string): Promise<void> {
  await poll(async () => new RegExp(`^${id} .* ${status} `, 'm').test(await succeed('ps', '-a')) || undefined, {
    limitMs: 10_000,
    intervalMs: 50,
    what: `${id} to be ${status}`,
  });
}

const echo = ['sh', '-c', 'while read line; do echo "got $line"; [ "$line" = end ] && exit 9; done'];

test('input, output and errors are joined, and the code is the container’s', async () => {
  await start('joined', ['-i'], 'sh', '-c', 'read line; echo "out $line"; echo "err $line" >&2; exit 7');
  const program = startAttach('joined');
  program.write('hello\n');
  const { stdout, stderr, code } = await program.result();
  assert.deepEqual([stdout, stderr, code], ['out hello\n', 'err hello\n', 7]);
  await remove('joined');
});

test('one client after the other attaches; the end of one’s input is not the container’s', async () => {
  await start('turns', ['-i'], ...echo);
  for (const word of ['one', 'two', 'three']) {
    const program = startAttach('--sig-proxy=false', 'turns');
    program.write(`${word}\n`);
    program.closeStdin();
    await program.waitForOutput(new RegExp(`got ${word}\n`));
    program.signal('SIGTERM');
    assert.equal((await program.result()).code, 143);
  }
  const last = startAttach('turns');
  last.write('end\n');
  assert.equal((await last.result()).code, 9);
  await remove('turns');
});

test('signals go to a container without a terminal', async () => {
  await start(
    'signals',
    [],
    'sh',
    '-c',
    'trap "echo usr" USR1; trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done',
  );
  const program = startAttach('signals');
  await program.waitForOutput(/ready/);
  program.signal('SIGUSR1');
  await program.waitForOutput(/usr/);
  program.signal('SIGTERM');
  assert.equal((await program.result()).code, 5);
  await remove('signals');
});

test('a container that has ended gives the output that nobody has read, and its code', async () => {
  await start('ended', [], 'sh', '-c', 'echo last words; exit 3');
  await waitForStatus('ended', 'stopped');
  const { stdout, code } = await startAttach('ended').result();
  assert.deepEqual([stdout, code], ['last words\n', 3]);
  await remove('ended');
});

test('what cannot be attached to is refused, as are keys that are none', async () => {
  await start('logged', ['--log-uri', daemon().path('logged.log')], 'sleep', '1000');
  const logged = await daemon().berth(['attach', 'logged']);
  assert.deepEqual([logged.code, /is no FIFO/.test(logged.stderr)], [125, true], logged.stderr);
  const nobody = await daemon().berth(['attach', 'nobody']);
  assert.deepEqual([nobody.code, /nobody.*not found/.test(nobody.stderr)], [125, true], nobody.stderr);
  const keys = await daemon().berth(['attach', '--detach-keys', 'ctrl-1', 'logged']);
  assert.deepEqual([keys.code, /"ctrl-1" is neither/.test(keys.stderr)], [2, true], keys.stderr);
  const run = await daemon().berth(['run', '--detach-keys', 'xy', '--rootfs', daemon().rootfs, 'unborn', 'true']);
  assert.equal(run.code, 2);
  assert.doesNotMatch(await succeed('ps', '-a'), /unborn/);
  await remove('logged');
});

test('the detach keys leave a container with a terminal running, the terminal is restored, and another attaches', async () => {
  await start('shell', ['-it'], 'sh');
  const first = startBelowShell('attach', 'shell');
  first.program.write('stty size; x=kept\n');
  await first.program.waitForOutput(/30 100/);
  assert.match(await first.settings(), /-icanon.* -echo /s);
  first.program.write(detachKeys);
  await assertRestored(first, 0);
  assert.match(first.program.stdout, /detached from container shell/);
  await waitForStatus('shell', 'running');
  const second = attachInTerminal('shell');
  second.program.write('echo "x is $x"\n');
  await second.program.waitForOutput(/x is kept/);
  await second.resize({ columns: 121, rows: 41 });
  await poll(
    async () => {
      second.program.write('stty size\n');
      return /41 121/.test(second.program.stdout) || undefined;
    },
    { limitMs: 10_000, intervalMs: 100, what: 'the new size' },
  );
  second.program.write('exit 12\n');
  assert.equal((await second.program.result()).code, 12);
  await remove('shell');
});

test('other keys detach where they are named, and none where they are empty', async () => {
  await start('keys', ['-it'], 'sh', '-c', 'stty raw -echo; echo ready; exec cat -v');
  const named = attachInTerminal('--detach-keys', 'ctrl-x,x', 'keys');
  await named.program.waitForOutput(/ready/);
  named.program.write(`${detachKeys}\x18y\n`);
  await named.program.waitForOutput(/\^P\^Q\^Xy/);
  named.program.write('\x18x');
  assert.equal((await named.program.result()).code, 0);
  const none = attachInTerminal('--detach-keys', '', 'keys');
  await waitForRaw(none);
  none.program.write(`${detachKeys}end\n`);
  await none.program.waitForOutput(/\^P\^Qend/);
  await succeed('kill', 'keys');
  assert.equal((await none.program.result()).code, 137);
  await remove('keys');
});

test('SIGTERM ends berth alone where the container has a terminal, and restores ours', async () => {
  await start('term', ['-it'], 'sh', '-c', 'echo ready; while :; do sleep 0.05; done');
  const terminal = startBelowShell('attach', 'term');
  await terminal.program.waitForOutput(/ready/);
  await succeed('exec', 'term', 'true');
  const pid = await findAttached('term');
  process.kill(pid, 'SIGTERM');
  await assertRestored(terminal, 143);
  await waitForStatus('term', 'running');
  await remove('term');
});

test('run detaches and attach comes back, also where --rm was asked for', async () => {
  const run = startBelowShell('run', '--rm', '-it', '--rootfs', daemon().rootfs, 'left', 'sh');
  await run.program.waitForOutput(/# /);
  await waitForRaw(run);
  run.program.write(`y=here\n${detachKeys}`);
  await assertRestored(run, 0);
  assert.match(run.program.stdout, /detached from container left, which --rm will not remove now/);
  const back = attachInTerminal('left');
  back.program.write('echo "y is $y"; exit 4\n');
  await back.program.waitForOutput(/y is here/);
  assert.equal((await back.program.result()).code, 4);
  await remove('left');
});

test('exec detaches, and attach comes back to it and takes it away at its end', async () => {
  await start('base', [], 'sleep', '1000');
  const exec = startInTerminal(daemon().berthCommand(['exec', '-it', '--exec-id', 'inner', 'base', 'sh']), size);
  await exec.program.waitForOutput(/# /);
  await waitForRaw(exec);
  exec.program.write(`z=there\n${detachKeys}`);
  assert.equal((await exec.program.result()).code, 0);
  const back = attachInTerminal('--exec-id', 'inner', 'base');
  back.program.write('echo "z is $z"; exit 6\n');
  await back.program.waitForOutput(/z is there/);
  assert.equal((await back.program.result()).code, 6);
  assert.match((await daemon().berth(['attach', '--exec-id', 'inner', 'base'])).stderr, /inner.*not found/);
  const again = startInTerminal(daemon().berthCommand(['exec', '-it', 'base', 'sh']), size);
  await again.program.waitForOutput(/# /);
  await waitForRaw(again);
  again.program.write(detachKeys);
  assert.equal((await again.program.result()).code, 0);
  await remove('base');
});

test('a client that is attached stays so while the daemon restarts', async () => {
  await start('restart', ['-i'], ...echo);
  const program = startAttach('restart');
  program.write('before\n');
  await program.waitForOutput(/got before/);
  await daemon().restart('SIGKILL');
  program.write('end\n');
  const { stdout, code } = await program.result();
  assert.deepEqual([stdout, code], ['got before\ngot end\n', 9]);
  await remove('restart');
});

test('a reader of our output that goes away leaves the container running', async () => {
  await start('piped', [], 'sh', '-c', 'while :; do echo line; sleep 0.05; done');
  const command = daemon().berthCommand(['attach', 'piped']).join(' ');
  const { stdout } = await startProgram('bash', [
    '-c',
    `${command} | head -n 1; echo "code \${PIPESTATUS[0]}"`,
  ]).result();
  assert.equal(stdout, 'line\ncode 141\n');
  await waitForStatus('piped', 'running');
  await remove('piped');
});

async function findAttached(id: string): Promise<number> {
  const { stdout } = await startProgram('pgrep', [
    '-f',
    `main.js --address ${daemon().socket} .* attach ${id}$`,
  ]).result();
  const [pid] = stdout
    .trim()
    .split('\n')
    .map(Number)
    .toSorted((a, b) => b - a);
  return pid ?? assert.fail(`no berth attach ${id}`);
}
