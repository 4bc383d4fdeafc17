// berth stats and top against real containers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProgram } from '../helpers/program.js';
import { startInTerminal } from '../helpers/terminal.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();
const mib = 1024 * 1024;

async function succeed(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().berth(args);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function start(id: string, flags: readonly string[], ...command: string[]): Promise<void> {
  await succeed('run', '-d', ...flags, '--rootfs', daemon().rootfs, id, ...command);
}

test('stats prints a table of those named, with limits and the share of a processor', async () => {
  await start('burner', ['--memory', '64m', '--pids-limit', '50'], 'sh', '-c', 'while :; do :; done');
  await start('sleeper', [], 'sleep', '1000');
  const table = await succeed('stats', '--no-stream', 'burner');
  assert.match(
    table,
    /^ID +CPU % +MEMORY +LIMIT +MEM % +PIDS .*\nburner +\d+\.\d +\S+iB +64\.0MiB +\d+\.\d +1\/50 .*\n$/,
  );
  const all = await succeed('stats', '--no-stream');
  assert.match(all, /^ID .*\nburner .*\nsleeper +0\.\d +\S+ +(?:-|\S+iB) .*\n$/);
  await succeed('rm', '-f', 'burner', 'sleeper');
});

test('stats streams a line of JSON for each look, until the container has gone', async () => {
  await start('looked', ['--memory', '64m'], 'sh', '-c', 'while :; do :; done');
  const [file = '', ...rest] = daemon().berthCommand(['stats', '-o', 'json', 'looked']);
  const program = startProgram(file, rest);
  await program.waitForOutput(/\n[^\n]+\n/);
  await succeed('rm', '-f', 'looked');
  const { stdout, code } = await program.result();
  assert.equal(code, 0);
  const samples = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number | string | null>);
  const [first, second] = samples;
  assert.deepEqual([first?.['id'], first?.['cpuPercent'], first?.['memoryLimitBytes']], ['looked', null, 64 * mib]);
  assert.ok(Number(second?.['cpuPercent']) > 0, stdout);
  assert.ok(Number(second?.['cpuNanos']) > Number(first?.['cpuNanos']), stdout);
  assert.equal(second?.['pids'], 1);
});

test('stats draws one table anew in a terminal', async () => {
  await start('drawn', [], 'sleep', '1000');
  const { program } = startInTerminal(daemon().berthCommand(['stats']), { columns: 120, rows: 30 });
  // oxlint-disable-next-line no-control-regex
  await program.waitForOutput(/\u001b\[HID [^]*drawn[^]*\u001b\[HID [^]*drawn/);
  program.write('\x03');
  assert.equal((await program.result()).code, 130);
  await succeed('rm', '-f', 'drawn');
});

test('stats and top say why a container has nothing to show', async () => {
  const nobody = await daemon().berth(['stats', 'nobody']);
  assert.deepEqual([nobody.code, /nobody not found/.test(nobody.stderr)], [1, true], nobody.stderr);
  const top = await daemon().berth(['top', 'nobody']);
  assert.deepEqual([top.code, /nobody/.test(top.stderr)], [1, true], top.stderr);
});

test('top lists the processes with parents, users, times and execs', async () => {
  const script = 'sleep 1000 & while :; do :; done';
  await start('busy', [], 'sh', '-c', script);
  await succeed('exec', '-d', '--exec-id', 'aside', '-u', '65534', 'busy', 'sleep', '999');
  const rows = JSON.parse(await succeed('top', 'busy', '-o', 'json')) as Record<string, number | string | null>[];
  const find = (line: string) => rows.find(({ command }) => command === line) ?? assert.fail(line);
  const [shell, child, aside] = [find(`sh -c ${script}`), find('sleep 1000'), find('sleep 999')];
  assert.deepEqual([child['ppid'], child['user'], child['execId']], [shell['pid'], 'root', null]);
  assert.deepEqual([aside['user'], aside['execId'], aside['state']], ['nobody', 'aside', 'S']);
  assert.match(
    await succeed('top', 'busy'),
    /^PID +PPID +USER +STAT +TIME +EXEC +COMMAND\n(?:.*\n)*\d+ +\d+ +nobody +S +0:00\.\d\d +aside +sleep 999\n/,
  );
  await succeed('rm', '-f', 'busy');
});
