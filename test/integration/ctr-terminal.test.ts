// Containers and execs with a terminal: `ctr run -t`, `ctr tasks exec -t`, and their sizes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { startInTerminal } from '../helpers/terminal.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

const size = { columns: 100, rows: 30 };

/** ctr tells the size only after the start, which a shell at its prompt may be ahead of. */
const untilSized = 'until stty size 2>/dev/null | grep -q " 100"; do sleep 0.05; done';

test('ctr run -t gives the container a terminal of the size of the client, and its code', async () => {
  const command = daemon().ctrCommand(['run', '--rm', '-t', '--rootfs', daemon().rootfs, 'tty', '/bin/sh']);
  const { program } = startInTerminal(command, size);
  await program.waitForOutput(/# /);
  program.write(`${untilSized}; tty; stty size\n`);
  await program.waitForOutput(/\/dev\/pts\/0\r*\n30 100/);
  program.write('exit 12\n');
  assert.equal((await program.result()).code, 12);
});

test('a resize of the client reaches the terminal of the container', async () => {
  const script = 'trap "stty size" WINCH; stty size; while :; do sleep 0.05; done';
  const command = daemon().ctrCommand([
    ...['run', '--rm', '-t', '--rootfs', daemon().rootfs, 'resize'],
    ...['/bin/sh', '-c', script],
  ]);
  const terminal = startInTerminal(command, size);
  await terminal.program.waitForOutput(/30 100/);
  await terminal.resize({ columns: 121, rows: 41 });
  await terminal.program.waitForOutput(/41 121/);
  await daemon().ctr(['tasks', 'kill', '-s', 'SIGKILL', 'resize']);
  assert.equal((await terminal.program.result()).code, 137);
});

test('control-C at the terminal interrupts the process in the container', async () => {
  const script = 'trap "echo woken; exit 3" INT; echo ready; while :; do sleep 0.05; done';
  const command = daemon().ctrCommand([
    ...['run', '--rm', '-t', '--rootfs', daemon().rootfs, 'interrupt'],
    ...['/bin/sh', '-c', script],
  ]);
  const { program } = startInTerminal(command, size);
  await program.waitForOutput(/ready/);
  program.write('\x03');
  await program.waitForOutput(/woken/);
  assert.equal((await program.result()).code, 3);
});

test('ctr tasks exec -t has a terminal of its own', async () => {
  const { rootfs } = daemon();
  await daemon().ctr(['run', '-d', '--rootfs', rootfs, 'exectty', '/bin/sleep', '1000']);
  const command = daemon().ctrCommand(['tasks', 'exec', '-t', '--exec-id', 'e1', 'exectty', '/bin/sh']);
  const { program } = startInTerminal(command, size);
  await program.waitForOutput(/# /);
  program.write(`${untilSized}; tty; stty size\n`);
  await program.waitForOutput(/\/dev\/pts\/\d+\r*\n30 100/);
  program.write('exit 8\n');
  assert.equal((await program.result()).code, 8);
  await daemon().ctr(['tasks', 'kill', '-s', 'SIGKILL', 'exectty']);
  await daemon().call(TasksService.wait, { containerId: 'exectty', execId: '' });
  assert.equal((await daemon().ctr(['tasks', 'rm', 'exectty'])).code, 0);
  assert.equal((await daemon().ctr(['containers', 'rm', 'exectty'])).code, 0);
});

test('everything a terminal container printed before its end is shown', async () => {
  const count = 'i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; printf last';
  const command = daemon().ctrCommand([
    ...['run', '--rm', '-t', '--rootfs', daemon().rootfs, 'ttylast'],
    ...['/bin/sh', '-c', `echo ready; read go; ${count}`],
  ]);
  const { program } = startInTerminal(command, size);
  await program.waitForOutput(/ready/);
  program.write('go\n');
  const { stdout, code } = await program.result();
  assert.equal(code, 0);
  // ctr may say anywhere in it, in a colour of five characters, that there is no terminal left to set the size of.
  const printed = stdout.replace(/.{5}ERRO.*resize pty.*\n/, '');
  assert.match(printed.slice(-300), /line 499\r*\nlast/);
  assert.equal(printed.match(/^line \d+\r*$/gm)?.length, 500);
});

test('the terminal of the client is itself again after the run', async () => {
  const shell = ['/bin/sh', '-c', '"$@"; stty -a; cat', 'sh'];
  const run = daemon().ctrCommand(['run', '--rm', '-t', '--rootfs', daemon().rootfs, 'restore', '/bin/true']);
  const { program } = startInTerminal([...shell, ...run], size);
  await program.waitForOutput(/ icanon /);
  assert.match(program.stdout, / echo /);
  program.signal('SIGKILL');
  await program.result();
});
