// `berth run -t` and `berth exec -t` on a pseudo-terminal: size, keys, and that the terminal is as it was afterwards.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { startInTerminal, type TerminalProgram } from '../helpers/terminal.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();
const size = { columns: 100, rows: 30 };

function startRun(id: string, ...command: string[]): TerminalProgram {
  return startInTerminal(
    daemon().berthCommand(['run', '--rm', '-it', '--rootfs', daemon().rootfs, id, ...command]),
    size,
  );
}

/** Runs `berth` in a shell of its own on the terminal, so that the terminal is still there afterwards. */
function startBelowShell(id: string, script: string): TerminalProgram {
  const quoted = daemon()
    .berthCommand(['run', '--rm', '-it', '--rootfs', daemon().rootfs, id, 'sh', '-c', script])
    .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
    .join(' ');
  return startInTerminal(['sh', '-c', `${quoted}; echo "ended $?"; stty -a; read line`], size);
}

test('the container has a terminal of our size and our keys, and its code is ours', async () => {
  const { program } = startRun('tty', 'sh');
  await program.waitForOutput(/# /);
  program.write('tty; stty size; echo $TERM\n');
  await program.waitForOutput(/\/dev\/pts\/0\r*\n30 100\r*\nxterm/);
  program.write('exit 12\n');
  assert.equal((await program.result()).code, 12);
});

test('a terminal that changes its size does so in the container', async () => {
  const terminal = startRun('resize', 'sh', '-c', 'trap "stty size" WINCH; stty size; while :; do sleep 0.05; done');
  await terminal.program.waitForOutput(/30 100/);
  await terminal.resize({ columns: 121, rows: 41 });
  await terminal.program.waitForOutput(/41 121/);
  await daemon().berth(['kill', 'resize']);
  assert.equal((await terminal.program.result()).code, 137);
});

test('control-C is a key like others and interrupts what runs in the container', async () => {
  const { program } = startRun(
    'keys',
    'sh',
    '-c',
    'trap "echo woken; exit 3" INT; echo ready; while :; do sleep 0.05; done',
  );
  await program.waitForOutput(/ready/);
  program.write('\x03');
  assert.equal((await program.result()).code, 3);
});

test('an exec has a terminal of its own', async () => {
  await daemon().berth(['run', '-d', '--rootfs', daemon().rootfs, 'exectty', 'sleep', '1000']);
  const { program } = startInTerminal(daemon().berthCommand(['exec', '-it', 'exectty', 'sh']), size);
  await program.waitForOutput(/# /);
  program.write('stty size\n');
  await program.waitForOutput(/30 100/);
  program.write('exit 8\n');
  assert.equal((await program.result()).code, 8);
  await daemon().berth(['rm', '-f', 'exectty']);
});

test('our terminal is raw while the container runs and as before afterwards', async () => {
  const terminal = startBelowShell('raw', 'echo ready; read line; exit 4');
  await terminal.program.waitForOutput(/ready/);
  assert.match(await terminal.settings(), /-icanon.* -echo /s);
  terminal.program.write('\r');
  const output = await terminal.program.waitForOutput(/ended 4[^]*iexten/);
  assert.match(output.split('ended')[1] ?? '', / icanon [^]* echo /);
  terminal.program.write('\n');
  await terminal.program.result();
});

test('a command that fails to start leaves the terminal as it was', async () => {
  const terminal = startInTerminal(
    [
      'sh',
      '-c',
      `${daemon().berthCommand(['run', '--rm', '-it', '--rootfs', daemon().rootfs, 'fails', '/no/such']).join(' ')}; echo "ended $?"; stty -a; read line`,
    ],
    size,
  );
  const output = await terminal.program.waitForOutput(/ended 127[^]*iexten/);
  assert.match(output.split('ended')[1] ?? '', / icanon [^]* echo /);
  terminal.program.write('\n');
  await terminal.program.result();
});

test('SIGTERM to berth ends the container and restores the terminal', async () => {
  const terminal = startBelowShell('term', 'trap "exit 6" TERM; echo ready; while :; do sleep 0.05; done');
  await terminal.program.waitForOutput(/ready/);
  process.kill(await findBerth('term'), 'SIGTERM');
  const output = await terminal.program.waitForOutput(/ended 6[^]*iexten/);
  assert.match(output.split('ended')[1] ?? '', / icanon [^]* echo /);
  terminal.program.write('\n');
  await terminal.program.result();
});

test('a terminal that goes away takes its container with it', async () => {
  const { program } = startRun('hangup', 'sh', '-c', 'trap "exit 0" HUP; echo ready; while :; do sleep 0.05; done');
  await program.waitForOutput(/ready/);
  program.signal('SIGKILL');
  await program.result();
  await daemon().checkLeaks();
});

async function findBerth(id: string): Promise<number> {
  return await poll(
    () => {
      for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
        const words = readCommand(name);
        if (words[1]?.endsWith('bin/berth/main.js') === true && words.includes(id) && words.includes(daemon().socket)) {
          return Number(name);
        }
      }
      return undefined;
    },
    { limitMs: 5_000, intervalMs: 10, what: `the process of berth run ${id}` },
  );
}

function readCommand(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
