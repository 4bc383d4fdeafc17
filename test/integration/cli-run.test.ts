// `berth run` in the foreground and detached: streams, options, signals, exit codes, and that nothing is left behind.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { type ProgramOptions, runProgram, startProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

afterEach(() => assert.deepEqual(fifoDirectories(), []));

async function run(args: readonly string[], options: ProgramOptions = {}) {
  return await daemon().berth(['run', '--rm', '--rootfs', daemon().rootfs, ...args], options);
}

function startRun(args: readonly string[]) {
  const [file = '', ...rest] = daemon().berthCommand(['run', '--rm', '--rootfs', daemon().rootfs, ...args]);
  return startProgram(file, rest, { keepStdin: true });
}

/** What `berth` made for streams and has not removed. */
function fifoDirectories(): string[] {
  const directory = join(daemon().state, 'fifo');
  return existsSync(directory) ? readdirSync(directory) : [];
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

test('variables, working directory, user and host name are those asked for', async () => {
  const script = 'echo $A $B; pwd; id -u; id -g; hostname';
  const options = ['--env', 'A=1', '-e', 'B', '--cwd', '/tmp', '--user', '7:8', '--hostname', 'box'];
  const { stdout } = await run([...options, 'options', 'sh', '-c', script], { env: { B: 'from outside' } });
  assert.equal(stdout, '1 from outside\n/tmp\n7\n8\nbox\n');
});

test('a bind can be read, and is read-only where asked for', async () => {
  const source = daemon().path('shared');
  await mkdir(source, { recursive: true });
  await writeFile(join(source, 'file'), 'content\n');
  const mount = `type=bind,src=${source},dst=/mnt,options=rbind:ro`;
  const { stdout, stderr } = await run(['--mount', mount, 'mount', 'sh', '-c', 'cat /mnt/file; touch /mnt/x']);
  assert.equal(stdout, 'content\n');
  assert.match(stderr, /Read-only file system/);
});

test('a read-only root filesystem cannot be written', async () => {
  const { stderr, code } = await run(['--read-only', 'readonly', 'touch', '/x']);
  assert.equal(code, 1);
  assert.match(stderr, /Read-only file system/);
});

test('limits are those of the cgroup', async () => {
  const limits = ['--memory', '64m', '--cpus', '1.5', '--pids-limit', '20'];
  await daemon().berth(['run', '-d', '--rootfs', daemon().rootfs, ...limits, 'limits', 'sleep', '1000']);
  const { stdout } = await daemon().berth(['ps', '-o', 'json']);
  const [{ pid } = { pid: 0 }] = JSON.parse(stdout) as { pid: number }[];
  assert.equal(readLimit(pid, 'memory', 'memory.limit_in_bytes', 'memory.max'), String(64 * 1024 * 1024));
  assert.equal(readLimit(pid, 'pids', 'pids.max', 'pids.max'), '20');
  assert.match(readLimit(pid, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^150000/);
  await daemon().berth(['rm', '-f', 'limits']);
});

test('the network of the host is that of the container', async () => {
  const host = readFileSync('/proc/net/dev', 'utf8').split('\n').length;
  const { stdout } = await run(['--net-host', 'nethost', 'sh', '-c', 'wc -l < /proc/net/dev; cat /etc/hosts']);
  assert.equal(stdout, `${host - 1}\n${readFileSync('/etc/hosts', 'utf8')}`);
});

test('a privileged container may do what the daemon may', async () => {
  const script = 'grep CapEff /proc/self/status; test -w /proc/sys/kernel/hostname && echo writable';
  const { stdout } = await run(['--privileged', 'privileged', 'sh', '-c', script]);
  const own = /^CapBnd:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  assert.equal(stdout, `CapEff:\t${own}\nwritable\n`);
});

test('a bundle gives the spec, and options change it', async () => {
  const bundle = daemon().path('bundle');
  await mkdir(bundle, { recursive: true });
  const spec = {
    ociVersion: '1.0.2',
    root: { path: daemon().rootfs },
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      cwd: '/',
      args: ['sh', '-c', 'echo $X'],
      env: ['PATH=/bin', 'X=1'],
    },
    linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }] },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
  };
  await writeFile(join(bundle, 'config.json'), JSON.stringify(spec));
  assert.equal((await daemon().berth(['run', '--rm', '--bundle', bundle, 'b1'])).stdout, '1\n');
  assert.equal((await daemon().berth(['run', '--rm', '-e', 'X=2', '--bundle', bundle, 'b1'])).stdout, '2\n');
  assert.equal((await daemon().berth(['run', '--rm', '--bundle', bundle, 'b1', 'echo', 'hi'])).stdout, 'hi\n');
});

for (const [signal, name] of [
  ['SIGTERM', 'TERM'],
  ['SIGINT', 'INT'],
  ['SIGHUP', 'HUP'],
  ['SIGQUIT', 'QUIT'],
  ['SIGUSR1', 'USR1'],
  ['SIGUSR2', 'USR2'],
] as const) {
  test(`${signal} goes to the container`, async () => {
    const script = `trap "echo got ${name}; exit 5" ${name}; echo ready; while :; do sleep 0.05; done`;
    const program = startRun([`signal-${name}`, 'sh', '-c', script]);
    await program.waitForOutput(/ready/);
    program.signal(signal);
    const { stdout, code } = await program.result();
    assert.deepEqual({ stdout, code }, { stdout: `ready\ngot ${name}\n`, code: 5 });
  });
}

test('an interrupt at any moment of the start leaves nothing behind', async () => {
  for (const delayMs of [60, 120, 160, 200, 250, 300]) {
    const program = startRun(['-i', 'interrupted', 'cat']);
    const interrupt = setTimeout(() => program.signal('SIGINT'), delayMs);
    // As the first process of its namespace `cat` heeds no interrupt: where it was up already, its input ends.
    const eof = setTimeout(() => program.closeStdin(), delayMs + 300);
    const { code } = await program.result();
    clearTimeout(interrupt);
    clearTimeout(eof);
    assert.ok([0, 130].includes(code), String(code));
    await daemon().checkLeaks();
  }
});

test('a detached container prints its id, runs on, and keeps its streams until it is removed', async () => {
  const { rootfs } = daemon();
  const script = 'yes | head -c 5000000; echo done > /tmp/done; exec sleep 1000';
  const { stdout, code } = await daemon().berth(['run', '-d', '--rootfs', rootfs, 'detached', 'sh', '-c', script]);
  assert.deepEqual({ stdout, code }, { stdout: 'detached\n', code: 0 });
  // Nobody reads, and yet it gets on.
  await poll(() => (existsSync(join(rootfs, 'tmp/done')) ? true : undefined), {
    limitMs: 15_000,
    intervalMs: 20,
    what: 'the container to have written all',
  });
  assert.equal(fifoDirectories().length, 1);
  await daemon().berth(['rm', '-f', 'detached']);
  assert.deepEqual(fifoDirectories(), []);
});

test('ctr attaches to a container that berth detached', async () => {
  const { rootfs } = daemon();
  const script = 'read line; echo got $line; exit 4';
  await daemon().berth(['run', '-d', '-i', '--rootfs', rootfs, 'attached', 'sh', '-c', script]);
  const ctr = daemon().startCtr(['tasks', 'attach', 'attached'], { keepStdin: true, input: 'hello\n' });
  const { stdout, code } = await ctr.result();
  assert.deepEqual({ stdout, code }, { stdout: 'got hello\n', code: 4 });
  await daemon().berth(['rm', 'attached']);
});

test('the output of a detached container goes to a file where one is named', async () => {
  const log = daemon().path('detached.log');
  const options = ['--rootfs', daemon().rootfs, '--log-uri', log];
  await daemon().berth(['run', ...options, 'logged', 'sh', '-c', 'echo out; echo err >&2']);
  await poll(async () => ((await statusOf('logged')) === 'stopped' ? true : undefined), {
    limitMs: 10_000,
    intervalMs: 50,
    what: 'the container to end',
  });
  assert.deepEqual(readFileSync(log, 'utf8').split('\n').sort(), ['', 'err', 'out']);
  await daemon().berth(['rm', 'logged']);
});

test('labels and the runtime are those of the container record', async () => {
  await daemon().berth(['run', '--rootfs', daemon().rootfs, '-l', 'a=1', '--label', 'b', 'labelled', 'true']);
  const { stdout } = await daemon().berth(['containers', 'inspect', 'labelled']);
  const [container] = JSON.parse(stdout) as { labels: unknown; runtime: { name: string } }[];
  assert.deepEqual([container?.labels, container?.runtime.name], [{ a: '1', b: 'true' }, 'io.containerd.runc.v2']);
  await daemon().berth(['rm', 'labelled']);
});

test('a run outlives the death of the daemon and still gets output and code', async () => {
  const program = startRun(['-i', 'survivor', 'sh', '-c', 'echo before; read line; echo after $line; exit 9']);
  await program.waitForOutput(/before/);
  await daemon().restart('SIGKILL');
  program.write('all\n');
  const { stdout, stderr, code } = await program.result();
  assert.deepEqual({ stdout, code }, { stdout: 'before\nafter all\n', code: 9 });
  assert.equal(stderr, 'berth: berthd is gone; waiting for it to come back\n');
});

async function statusOf(id: string): Promise<string | null | undefined> {
  const { stdout } = await daemon().berth(['ps', '-a', '-o', 'json']);
  return (JSON.parse(stdout) as { id: string; status: string | null }[]).find((row) => row.id === id)?.status;
}

function readLimit(pid: number, controller: string, v1File: string, v2File: string): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const v1 = lines.map((line) => line.split(':')).find(([, names]) => names?.split(',').includes(controller));
  const path = v1 === undefined ? lines.find((line) => line.startsWith('0::'))?.slice(3) : v1[2];
  assert.ok(path !== undefined);
  const root = '/sys/fs/cgroup';
  const file = v1 === undefined ? join(root, path, v2File) : join(root, controller, path, v1File);
  return readFileSync(file, 'utf8').trim();
}
