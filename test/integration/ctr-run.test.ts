// `ctr run --rm`: output, exit codes, stdin, and the options that change the spec.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { isContainerd } from '../helpers/daemon.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

/** `ctr run --rm OPTIONS --rootfs ROOTFS ID COMMAND`. */
function runArgs(options: readonly string[], id: string, ...command: string[]): string[] {
  return ['run', '--rm', ...options, '--rootfs', daemon().rootfs, id, ...command];
}

test('ctr run prints both streams and exits with the code of the container', async () => {
  const script = 'echo out; echo err >&2; exit 7';
  const { stdout, stderr, code } = await daemon().ctr(runArgs([], 'both', '/bin/sh', '-c', script));
  assert.deepEqual({ stdout, stderr, code }, { stdout: 'out\n', stderr: 'err\n', code: 7 });
});

test('a command is found on the usual path, which ctr does not send', { skip: isContainerd }, async () => {
  const { stdout, stderr, code } = await daemon().ctr(runArgs([], 'path', 'sh', '-c', 'echo found; exit 7'));
  assert.deepEqual({ stdout, code }, { stdout: 'found\n', code: 7 }, stderr);
});

test('a mebibyte goes through stdin to stdout unchanged', async () => {
  const input = randomBytes(1 << 20);
  const { stdoutBytes, stderr, code } = await daemon().ctr(runArgs([], 'cat', '/bin/cat'), { input });
  assert.equal(code, 0, stderr);
  assert.ok(stdoutBytes.equals(input), `${stdoutBytes.length} bytes came back of ${input.length}`);
});

test('the last bytes before the exit reach the reader', async () => {
  const script = 'i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; printf last';
  const { stdout, code } = await daemon().ctr(runArgs([], 'last', '/bin/sh', '-c', script));
  assert.equal(code, 0);
  assert.ok(stdout.endsWith('line 1999\nlast'), stdout.slice(-40));
  assert.equal(stdout.split('\n').length, 2001);
});

test('the end of stdin reaches the reader in the container', async () => {
  const running = daemon().startCtr(runArgs([], 'wc', '/bin/sh', '-c', 'echo ready; wc -c'), { keepStdin: true });
  await running.waitForOutput(/ready/);
  running.write('12345');
  running.closeStdin();
  const { stdout, code } = await running.result();
  assert.deepEqual({ stdout, code }, { stdout: 'ready\n5\n', code: 0 });
});

test('a container without any stdio runs and gives its code', async () => {
  const { stdout, code } = await daemon().ctr(runArgs(['--null-io'], 'null', '/bin/sh', '-c', 'echo lost; exit 4'));
  assert.deepEqual({ stdout, code }, { stdout: '', code: 4 });
});

test('--env and --cwd reach the process', async () => {
  const options = ['--env', 'COLOUR=green', '--env', 'PATH=/bin', '--cwd', '/tmp'];
  const { stdout } = await daemon().ctr(runArgs(options, 'env', 'sh', '-c', 'echo $COLOUR; pwd'));
  assert.equal(stdout, 'green\n/tmp\n');
});

test('--mount binds a directory of the host, writable or read-only', async () => {
  const host = daemon().path('shared');
  await mkdir(host);
  await writeFile(`${host}/in`, 'from the host\n');
  const mounts = [
    ...['--mount', `type=bind,src=${host},dst=/rw,options=rbind:rw`],
    ...['--mount', `type=bind,src=${host},dst=/ro,options=rbind:ro`],
  ];
  const script = 'cat /rw/in; echo from the container > /rw/out; echo no > /ro/in';
  const { stdout, stderr, code } = await daemon().ctr(runArgs(mounts, 'mount', '/bin/sh', '-c', script));
  assert.equal(stdout, 'from the host\n');
  assert.match(stderr, /Read-only file system/);
  assert.equal(code, 1);
  assert.equal(await readFile(`${host}/out`, 'utf8'), 'from the container\n');
});

test('--net-host reaches a server on the loopback of the host, and without it the network is its own', async () => {
  const server = createServer((socket) => socket.end('hello from the host\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const address = server.address();
    const port = typeof address === 'object' ? String(address?.port) : assert.fail('no port');
    const command = ['/bin/nc', '127.0.0.1', port];
    assert.equal((await daemon().ctr(runArgs(['--net-host'], 'nethost', ...command))).stdout, 'hello from the host\n');
    const own = await daemon().ctr(runArgs([], 'netown', ...command));
    assert.equal(own.stdout, '');
    assert.notEqual(own.code, 0);
  } finally {
    server.close();
  }
});

test('--memory-limit is the limit of the cgroup', async () => {
  const limit = 64 * 1024 * 1024;
  const script = 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max';
  const cgroup = ['--mount', 'type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro'];
  const options = ['--memory-limit', String(limit), ...cgroup];
  const { stdout, stderr } = await daemon().ctr(runArgs(options, 'memory', '/bin/sh', '-c', script));
  assert.equal(stdout, `${limit}\n`, stderr);
});

test('--label is kept with the container', async () => {
  const running = daemon().startCtr(runArgs(['--label', 'tier=front'], 'labelled', '/bin/sh', '-c', 'echo up; cat'), {
    keepStdin: true,
  });
  await running.waitForOutput(/up/);
  const { stdout } = await daemon().ctr(['containers', 'ls', 'labels.tier==front']);
  const info = await daemon().ctr(['containers', 'info', 'labelled']);
  running.closeStdin();
  assert.equal((await running.result()).code, 0);
  assert.match(stdout, /^labelled +- +io\.containerd\.runc\.v2/m);
  assert.equal(JSON.parse(info.stdout).Labels.tier, 'front');
});

test('the signals of ctr run reach the container', async () => {
  const traps = 'trap "echo window" WINCH; trap "echo got it; exit 9" TERM';
  const running = daemon().startCtr(
    runArgs([], 'trap', '/bin/sh', '-c', `${traps}; echo ready; while :; do sleep 0.05; done`),
  );
  await running.waitForOutput(/ready/);
  // ctr forwards signals only some time after the start; until then this one is lost and harmless.
  await poll(
    () => {
      running.signal('SIGWINCH');
      return /window/.test(running.stdout) || undefined;
    },
    { limitMs: 5_000, intervalMs: 50, what: 'ctr to forward signals' },
  );
  running.signal('SIGTERM');
  const { stdout, code } = await running.result();
  assert.match(stdout, /^ready\n(window\n)+got it\n$/);
  assert.equal(code, 9);
});

test('the same id runs in two namespaces at once', async () => {
  const other = `${daemon().namespace}-other`;
  const command = ['/bin/sh', '-c', 'echo up; read line; echo $line'];
  const first = daemon().startCtr(runArgs([], 'twin', ...command), { keepStdin: true });
  const second = daemon().startCtr(['--namespace', other, ...runArgs([], 'twin', ...command)], { keepStdin: true });
  await Promise.all([first.waitForOutput(/up/), second.waitForOutput(/up/)]);
  first.write('one\n');
  second.write('two\n');
  assert.equal((await first.result()).stdout, 'up\none\n');
  assert.equal((await second.result()).stdout, 'up\ntwo\n');
  assert.equal((await daemon().ctr(['namespaces', 'remove', other])).code, 0);
});

test('eight containers run at once', async () => {
  const codes = Array.from({ length: 8 }, (_, index) => index);
  const results = await Promise.all(
    codes.map(
      async (code) => await daemon().ctr(runArgs([], `many-${code}`, '/bin/sh', '-c', `echo ${code}; exit ${code}`)),
    ),
  );
  assert.deepEqual(
    results.map(({ stdout, code }) => [stdout, code]),
    codes.map((code) => [`${code}\n`, code]),
  );
});
