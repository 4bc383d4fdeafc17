// The commands that look after containers, namespaces and the daemon: ps, stop, kill, rm, labels, events, info, api.
import assert from 'node:assert/strict';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram, startProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

async function berth(...args: string[]) {
  return await daemon().berth(args);
}

async function json(...args: string[]): Promise<unknown> {
  const { stdout, stderr, code } = await berth(...args, '-o', 'json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** A container whose command is a shell script; detached. */
async function start(id: string, script: string, ...options: string[]): Promise<void> {
  const { code, stderr } = await berth('run', '-d', '--rootfs', daemon().rootfs, ...options, id, 'sh', '-c', script);
  assert.equal(code, 0, stderr);
}

test('ps shows what runs, and with -a what has ended, in a table and as JSON', async () => {
  await start('lives', 'exec sleep 1000', '-l', 'role=web');
  await berth('run', '--rootfs', daemon().rootfs, 'ended', 'sh', '-c', 'exit 3');
  const table = (await berth('ps')).stdout;
  assert.match(
    table,
    /^ID +IMAGE +COMMAND +STATUS +PID +AGE +EXIT\nlives +- +sh -c exec sleep 1000 +running +\d+ +\d+s +-\n$/,
  );
  const all = (await berth('ps', '-a')).stdout;
  assert.match(all, /^ended +- +sh -c exit 3 +stopped +- +\d+s +3$/m);
  const [ended, lives] = (await json('ps', '-a')) as Record<string, unknown>[];
  assert.deepEqual(Object.keys(ended ?? {}), [
    ...['id', 'image', 'command', 'status', 'pid', 'exitCode', 'exitedAt', 'createdAt', 'runtime', 'labels'],
  ]);
  assert.deepEqual([ended?.['status'], ended?.['exitCode'], ended?.['pid']], ['stopped', 3, null]);
  assert.deepEqual([lives?.['status'], lives?.['exitCode'], lives?.['exitedAt']], ['running', null, null]);
  assert.equal((await berth('ps', '-a', '-q', '--filter', 'labels.role==web')).stdout, 'lives\n');
  assert.equal((await berth('rm', '-f', 'lives', 'ended')).stdout, 'lives\nended\n');
});

test('stop gives the signal of the label, and SIGKILL to what does not heed it', async () => {
  await start('heeds', 'trap "exit 21" TERM; while :; do sleep 0.05; done');
  await start(
    'own',
    'trap "exit 22" USR1; while :; do sleep 0.05; done',
    '-l',
    'io.containerd.image.config.stop-signal=SIGUSR1',
  );
  await start('deaf', 'exec sleep 1000');
  await Promise.all(['heeds', 'own'].map(waitForTrap));
  assert.equal((await berth('stop', '--timeout', '0.5', 'deaf')).code, 0);
  assert.equal((await berth('stop', 'heeds', 'own')).stdout, 'heeds\nown\n');
  const codes = ((await json('ps', '-a')) as { id: string; exitCode: number }[]).map(({ id, exitCode }) => [
    id,
    exitCode,
  ]);
  assert.deepEqual(codes, [
    ['deaf', 137],
    ['heeds', 21],
    ['own', 22],
  ]);
  assert.equal((await berth('stop', 'heeds')).code, 0);
  await berth('rm', 'heeds', 'own', 'deaf');
  const absent = await berth('stop', 'heeds');
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /heeds.*not found/);
});

test('kill sends signals by name and number, and refuses an unknown one', async () => {
  await start('killed', 'trap "exit 31" HUP; while :; do sleep 0.05; done');
  await waitForTrap('killed');
  assert.equal((await berth('kill', '-s', 'FROB', 'killed')).code, 2);
  assert.equal((await berth('kill', '-s', '1', 'killed')).stdout, 'killed\n');
  await berth('stop', 'killed');
  assert.equal(((await json('tasks', 'ls')) as { exitCode: number }[])[0]?.exitCode, 31);
  const again = await berth('kill', 'killed');
  assert.equal(again.code, 1);
  await berth('rm', 'killed');
});

test('rm refuses what runs unless forced, tries every id, and tells of each failure on one line', async () => {
  await start('runs', 'exec sleep 1000');
  await berth('run', '--rootfs', daemon().rootfs, 'done', 'true');
  const refused = await berth('rm', 'absent', 'runs', 'done');
  assert.deepEqual([refused.code, refused.stdout], [1, 'done\n']);
  assert.match(
    refused.stderr,
    /^berth: .*absent.*not found.*; container runs is running: stop it first, or use --force\n$/,
  );
  assert.equal((await berth('containers', 'rm', 'runs')).code, 1);
  assert.equal((await berth('rm', '-f', 'runs')).code, 0);
  assert.equal((await berth('ps', '-a', '-q')).stdout, '');
});

test('containers are inspected with their spec and task, and labelled', async () => {
  await start('looked', 'exec sleep 1000', '-l', 'a=1');
  const [found] = (await json('containers', 'inspect', 'looked')) as {
    spec: { process: { args: string[] } };
    task: { status: string; pid: number; stdout: string };
    createdAt: string;
  }[];
  assert.deepEqual(found?.spec.process.args, ['sh', '-c', 'exec sleep 1000']);
  assert.deepEqual([found?.task.status, found?.task.stdout.startsWith(daemon().state)], ['running', true]);
  assert.match(found?.createdAt ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  assert.equal((await berth('containers', 'label', 'looked', 'a-', 'b=2', 'c=x.y')).stdout, 'b=2,c=x.y\n');
  assert.match((await berth('containers', 'ls')).stdout, /^looked +- +io\.containerd\.runc\.v2 +b=2,c=x\.y$/m);
  assert.equal((await berth('containers', 'inspect', 'nobody')).code, 1);
  await berth('rm', '-f', 'looked');
});

test('namespaces are created, labelled, listed and removed, and keep containers apart', async () => {
  const name = `${daemon().namespace}-other`;
  assert.equal((await berth('namespaces', 'create', name, 'team=ci')).stdout, `${name}\n`);
  assert.equal((await berth('ns', 'create', name)).code, 1);
  assert.equal((await berth('ns', 'label', name, 'team-', 'x=1')).stdout, 'x=1\n');
  assert.match((await berth('ns', 'ls')).stdout, new RegExp(`^${name} +x=1$`, 'm'));
  const { code } = await berth('-n', name, 'run', '-d', '--rootfs', daemon().rootfs, 'apart', 'sleep', '1000');
  assert.equal(code, 0);
  assert.equal((await berth('ps', '-q')).stdout, '');
  assert.equal((await berth('ps', '-q', '-n', name)).stdout, 'apart\n');
  assert.equal((await berth('namespaces', 'rm', name)).code, 1);
  await berth('-n', name, 'rm', '-f', 'apart');
  assert.equal((await berth('namespaces', 'rm', name)).stdout, `${name}\n`);
});

test('events show the life of a container in order, decoded, as lines and as JSON', async () => {
  const lines = startEvents('events');
  const tasks = startEvents('events', '--filter', 'topic~=^/tasks/', '-o', 'json');
  await Promise.all([lines.ready, tasks.ready]);
  await berth('run', '--rm', '--rootfs', daemon().rootfs, 'eventful', 'sh', '-c', 'exit 5');
  await lines.program.waitForOutput(/\/containers\/delete [^\n]*"eventful"[^\n]*\n/);
  await tasks.program.waitForOutput(/\/tasks\/delete[^\n]*"eventful"[^\n]*\n/);
  const ofTheRun = lines.program.stdout.split('\n').filter((line) => line.includes('"eventful"'));
  assert.deepEqual(
    ofTheRun.map((line) => line.split(' ')[3]),
    ['/containers/create', '/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete', '/containers/delete'],
  );
  const envelopes = tasks.program.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { topic: string; namespace: string; event: Record<string, unknown> })
    .filter(({ event }) => event['containerId'] === 'eventful');
  const exit = envelopes.find(({ topic }) => topic === '/tasks/exit');
  assert.equal(exit?.namespace, daemon().namespace);
  assert.deepEqual([exit?.event['@type'], exit?.event['exitStatus']], ['containerd.events.TaskExit', 5]);
  for (const { program } of [lines, tasks]) {
    program.signal('SIGINT');
    await program.result();
  }
});

test('a reader that has seen enough ends the stream of events quietly', async () => {
  const command = daemon().berthCommand(['events']);
  const watching = runProgram('bash', ['-c', '"$@" | head -n 1; echo ${PIPESTATUS[0]}', 'bash', ...command]);
  const ended = watching.then(() => true);
  while (!(await Promise.race([ended, Promise.resolve(false)])))
    await berth('run', '--rm', '--rootfs', daemon().rootfs, 'noise', 'true');
  const { stdout, stderr } = await watching;
  assert.match(stdout, /\n141\n$/);
  assert.equal(stderr, '');
});

test('version and info tell of the daemon', async () => {
  const version = (await json('version')) as { server: { version: string }; client: { version: string } };
  assert.equal(version.server.version, version.client.version);
  const info = (await json('info')) as Record<string, unknown>;
  assert.equal(info['address'], daemon().socket);
  assert.match(String(info['uuid']), /^[0-9a-f-]{36}$/);
  assert.equal(info['pid'], daemon().pid);
  assert.deepEqual([info['containers'], info['tasks']], [0, {}]);
  assert.match((await berth('info')).stdout, /^UUID +[0-9a-f-]{36}$/m);
});

test('doctor tells a socket that one may not use from one that nobody serves', async () => {
  const theirs = daemon().path('theirs');
  await mkdir(theirs, { mode: 0o700 });
  await chown(theirs, 65_534, 65_534);
  const [file = '', ...args] = daemon().berthCommand(['--address', join(theirs, 'berth.sock'), 'doctor', '-o', 'json']);
  // Root without its capabilities keeps to the modes of files.
  const { stdout } = await runProgram('setpriv', ['--inh-caps=-all', '--bounding-set=-all', file, ...args]);
  const findings = JSON.parse(stdout) as { check: string; detail: string }[];
  const { detail } = findings.find(({ check }) => check === 'daemon') ?? {};
  assert.equal(detail, `no permission to use ${join(theirs, 'berth.sock')}`);
});

test('doctor finds the daemon', async () => {
  const findings = (await json('doctor')) as { check: string; status: string }[];
  assert.equal(findings.find(({ check }) => check === 'daemon')?.status, 'OK');
});

test('api call makes any call: unary, with input from stdin, and streams', async () => {
  assert.match((await berth('api', 'call', 'Version/Version')).stdout, /"version": "/);
  const spec = { '@type': 'types.containerd.io/opencontainers/runtime-spec/1/Spec', root: { path: '/r' } };
  const container = { id: 'byhand', labels: { a_b: '1' }, runtime: { name: 'x' }, spec };
  const input = JSON.stringify({ container });
  const created = await daemon().berth(['api', 'call', 'Containers/Create', '-'], { input });
  assert.equal(created.code, 0, created.stderr);
  const answer = JSON.parse(created.stdout) as { container: { spec: unknown; labels: unknown } };
  assert.deepEqual([answer.container.spec, answer.container.labels], [spec, { a_b: '1' }]);
  const stream = await berth('api', 'call', 'containerd.services.containers.v1.Containers/ListStream');
  assert.equal((JSON.parse(stream.stdout) as { container: { id: string } }).container.id, 'byhand');
  await berth('containers', 'rm', 'byhand');
  const missing = await berth('api', 'call', 'Containers/Get', '{"id": "byhand"}');
  assert.deepEqual([missing.code, /byhand.*not found/.test(missing.stderr)], [1, true]);
});

/** A subscription takes effect a moment after the call: the first event that is seen tells that it has. */
function startEvents(...args: string[]) {
  const [file = '', ...rest] = daemon().berthCommand(args);
  const program = startProgram(file, rest);
  return { program, ready: waitForAny(program) };
}

async function waitForAny(program: ReturnType<typeof startProgram>): Promise<void> {
  while (program.stdout === '') await berth('run', '--rm', '--rootfs', daemon().rootfs, 'probe', 'true');
}

/** Until the shell in it has begun to sleep, and so has set its trap. */
async function waitForTrap(id: string): Promise<void> {
  while (!(await berth('tasks', 'ps', id)).stdout.includes('sleep 0.05')) await Promise.resolve();
}
