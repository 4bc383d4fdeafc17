// berth check, explain, exits, shutdown, and events from the journal, as users type them.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { startContainerd } from '../helpers/daemon.js';
import { type Program, startProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

async function berth(...args: string[]) {
  return await daemon().berth(args);
}

async function succeed(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await berth(...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function runToEnd(id: string, script: string): Promise<void> {
  await berth('run', '--rm', '--rootfs', daemon().rootfs, id, 'sh', '-c', script);
}

function startEvents(...args: string[]): Program {
  const [file = '', ...rest] = daemon().berthCommand(['events', ...args]);
  return startProgram(file, rest);
}

interface Line {
  readonly number: number;
  readonly topic: string;
  readonly gap?: { readonly firstMissing: number; readonly lastMissing: number };
}

async function eventsNow(...args: string[]): Promise<Line[]> {
  const output = await succeed('events', '--no-follow', '-o', 'json', ...args);
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Line);
}

const topicsOfRun = ['/containers/create', '/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete'];

test('check tells what it looked at, and finds, mends and tells of what is left over', async () => {
  const sound = await succeed('check');
  assert.match(sound, /^Everything is as it should be\.\n[^]* {2}tasks-have-shims: \d+ looked at\n/);
  await mkdir(join(daemon().state, 'tasks', daemon().namespace, 'left', 'rootfs'), { recursive: true });
  const found = await berth('check');
  assert.equal(found.code, 1);
  assert.match(found.stdout, /^INVARIANT +OBJECT +FOUND +REPAIRED +REMEDY\nbundles-have-tasks +\S*left .* no +\S/);
  assert.match(found.stdout, /^1 found, 1 not repaired\.$/m);
  assert.match(await succeed('check', '--repair'), / yes +-\n1 found, all repaired\.\n/);
  const { findings, lookedAt } = JSON.parse(await succeed('check', '-o', 'json')) as {
    findings: unknown[];
    lookedAt: Record<string, number>;
  };
  assert.deepEqual([findings, typeof lookedAt['bundles-have-tasks']], [[], 'number']);
});

test('explain tells facts first, then the story, oldest first, also when the container is gone', async () => {
  await succeed('run', '-d', '--rootfs', daemon().rootfs, 'story', 'sleep', '1000');
  const alive = await succeed('explain', 'story');
  assert.match(alive.split('\n')[0] ?? '', /^container +created \d{4}-/);
  assert.match(alive, /\n\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} +journal +#\d+ /);
  assert.match(alive, /\n\d{4}-\S+ \S+ +\+\d+\.\d{3}s {2}journal +#\d+ [^\n]*\/tasks\/start/);
  await succeed('rm', '-f', 'story');
  const { facts, entries } = JSON.parse(await succeed('explain', '-o', 'json', 'story')) as {
    facts: unknown[];
    entries: { time: string; source: string; text: string }[];
  };
  assert.ok(Array.isArray(facts));
  const times = entries.map(({ time }) => time);
  assert.deepEqual(times, times.toSorted());
  assert.ok(entries.some(({ source, text }) => source === 'journal' && text.includes('/containers/delete')));
  const nobody = await berth('explain', 'nobody');
  assert.deepEqual([nobody.code, /nobody/.test(nobody.stderr)], [1, true]);
});

test('exits are listed and got after their containers are gone', async () => {
  await runToEnd('gone', 'exit 7');
  await succeed('run', '-d', '--rootfs', daemon().rootfs, 'shot', 'sleep', '1000');
  await succeed('rm', '-f', 'shot');
  assert.match(await succeed('exits', 'get', 'shot'), /\nshot +- +\d+ +137 +SIGKILL +- /);
  assert.match(await succeed('exits', 'get', 'gone'), /^CONTAINER .*\ngone +- +\d+ +7 +- +- +\d+s +waited\n$/);
  const exit = JSON.parse(await succeed('exits', 'get', 'gone', '-o', 'json')) as Record<string, unknown>;
  assert.deepEqual([exit['exitStatus'], exit['provenance'], exit['oomKilled']], [7, 'waited', false]);
  assert.match(await succeed('exits', 'ls', '--filter', 'container_id==gone'), /^CONTAINER [^\n]*\ngone [^\n]*\n$/);
  const nobody = await berth('exits', 'get', 'nobody');
  assert.deepEqual([nobody.code, /nobody/.test(nobody.stderr)], [1, true]);
});

test('events are shown by number, from a number, from a time, and without going on', async () => {
  await runToEnd('first', 'true');
  const all = await eventsNow();
  assert.deepEqual(
    all.map(({ number }) => number),
    all.map((_line, index) => (all[0]?.number ?? 0) + index),
  );
  const last = all.at(-1)?.number ?? 0;
  await runToEnd('second', 'true');
  const later = await eventsNow('--after', String(last));
  assert.equal(later[0]?.number, last + 1);
  assert.deepEqual(later.map(({ topic }) => topic).slice(0, topicsOfRun.length), topicsOfRun);
  const filtered = await eventsNow('--filter', 'topic=="/tasks/exit",event.container_id==second');
  assert.equal(filtered.length, 1);
  assert.deepEqual(await eventsNow('--since', '2099-01-01'), []);
  assert.equal((await eventsNow('--since', '1h')).length, all.length + later.length);
  assert.match(
    await succeed('events', '--no-follow', '--after', String(last)),
    new RegExp(`^${last + 1} \\d{4}-\\S+ `),
  );
  const beyond = await berth('events', '--after', '999999999', '--no-follow');
  assert.deepEqual([beyond.code, /999999999 lies beyond/.test(beyond.stderr)], [1, true]);
  assert.equal((await berth('events', '--after', 'x')).code, 2);
});

test('events go on by number where they stopped when the daemon was killed', async () => {
  const [before] = (await eventsNow()).slice(-1);
  const program = startEvents('--after', String(before?.number ?? 0), '-o', 'json');
  await runToEnd('one', 'true');
  await program.waitForOutput(/containers\/delete[^\n]*\n/);
  await daemon().restart('SIGKILL');
  await runToEnd('two', 'true');
  await program.waitForOutput(/containers\/delete[^]*containers\/delete[^\n]*\n/);
  program.signal('SIGINT');
  const { stdout, stderr } = await program.result();
  const numbers = stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as Line).number);
  assert.deepEqual(
    numbers,
    numbers.map((_number, index) => (before?.number ?? 0) + 1 + index),
  );
  assert.match(stderr, /^berth: berthd is gone; waiting for it to come back\n$/);
});

test('containerd, which has no journal, shows what happens from now on', async () => {
  const containerd = await startContainerd();
  try {
    const replay = await containerd.berth(['events', '--no-follow']);
    assert.deepEqual([replay.code, /keeps no journal/.test(replay.stderr)], [1, true]);
    const [file = '', ...rest] = containerd.berthCommand(['events']);
    const program = startProgram(file, rest);
    let count = 0;
    await poll(
      async () => {
        await containerd.berth(['namespaces', 'create', `${containerd.namespace}-${++count}`]);
        return /^- \d{4}-\S+ \S+ \/namespaces\/create /m.test(program.stdout) || undefined;
      },
      { limitMs: 15_000, intervalMs: 100, what: 'an event of containerd' },
    );
    program.signal('SIGINT');
    await program.result();
  } finally {
    await containerd.dispose();
  }
});

test('shutdown ends the daemon; containers go on, or are stopped first', async () => {
  await succeed('run', '-d', '--rootfs', daemon().rootfs, 'stays', 'sleep', '1000');
  assert.equal(await succeed('shutdown'), 'berthd has ended\n');
  assert.equal(await daemon().ended(), 0);
  assert.match((await berth('ps')).stderr, /cannot reach berthd/);
  await daemon().start();
  assert.match(await succeed('ps'), /^stays .* running /m);
  const stopped = JSON.parse(
    await succeed('shutdown', '--stop-containers', '--timeout', '100ms', '-o', 'json'),
  ) as object;
  assert.deepEqual(stopped, { stoppedContainers: 1 });
  await daemon().ended();
  await daemon().start();
  assert.match(await succeed('ps', '-a'), /^stays .* stopped .* 137$/m);
  await succeed('rm', 'stays');
});
