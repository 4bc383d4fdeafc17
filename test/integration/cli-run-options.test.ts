// The options of `berth run`, seen from inside the container and in its cgroups.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import type { ProgramOptions } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { fifoDirectories, runToEnd } from './cli-runs.js';

const daemon = useBerthd();

afterEach(() => assert.deepEqual(fifoDirectories(daemon()), []));

async function run(args: readonly string[], options: ProgramOptions = {}) {
  return await runToEnd(daemon(), args, options);
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

test('labels and the runtime are those of the container record', async () => {
  await daemon().berth(['run', '--rootfs', daemon().rootfs, '-l', 'a=1', '--label', 'b', 'labelled', 'true']);
  const { stdout } = await daemon().berth(['containers', 'inspect', 'labelled']);
  const [container] = JSON.parse(stdout) as { labels: unknown; runtime: { name: string } }[];
  assert.deepEqual([container?.labels, container?.runtime.name], [{ a: '1', b: 'true' }, 'io.containerd.runc.v2']);
  await daemon().berth(['rm', 'labelled']);
});

function readLimit(pid: number, controller: string, v1File: string, v2File: string): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const v1 = lines.map((line) => line.split(':')).find(([, names]) => names?.split(',').includes(controller));
  const path = v1 === undefined ? lines.find((line) => line.startsWith('0::'))?.slice(3) : v1[2];
  assert.ok(path !== undefined);
  const root = '/sys/fs/cgroup';
  const file = v1 === undefined ? join(root, path, v2File) : join(root, controller, path, v1File);
  return readFileSync(file, 'utf8').trim();
}
