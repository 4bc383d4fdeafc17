// Who may come in and what they are told apart by; what others may read; that neither links nor what the daemon holds lead
// out of where they belong.
import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { NamespacesService } from '../../src/generated/containerd/services/namespaces/v1/namespace.js';
import { createContainer, createTask, removeContainer, runContainer } from '../helpers/containers.js';
import { startBerthd, type TestDaemon } from '../helpers/daemon.js';
import { findProcesses } from '../helpers/host-state.js';
import { runProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';

const secret = 'only-for-the-daemon';
const daemon = useBerthd({ env: { BERTH_TEST_SECRET: secret } });

const nobody = 65_534;

test('a change is logged with the process and the user that asked for it', async () => {
  await createContainer(daemon(), 'logged', ['/bin/true']);
  const { getuid, getgid } = process;
  const client = `pid ${process.pid}, uid ${getuid?.()}, gid ${getgid?.()}`;
  const line =
    daemon()
      .log.split('\n')
      .find((text) => / change .*Containers\/Create/.test(text)) ?? '';
  for (const part of ['id=logged', `namespace=${daemon().namespace}`, `client="${client}"`])
    assert.ok(line.includes(part), line);
  await daemon().call(ContainersService.delete, { id: 'logged' });
});

test('a change that is refused is logged with the reason', async () => {
  await assert.rejects(daemon().call(NamespacesService.delete, { name: 'no-such' }));
  assert.match(daemon().log, /change .*Namespaces\/Delete.*name=no-such.*failed=/);
});

test('a question is not logged as a change', async () => {
  await daemon().call(ContainersService.list, { filters: [] });
  assert.doesNotMatch(daemon().log, /change .*Containers\/List/);
});

test('another user is not let in', async () => {
  const as = ['--reuid', `${nobody}`, '--regid', `${nobody}`, '--clear-groups'];
  const { code, stderr } = await runProgram('setpriv', [...as, 'ctr', '--address', daemon().socket, 'version']);
  assert.notEqual(code, 0);
  assert.match(stderr, /permission denied/);
});

test('what Berth keeps is for its owner alone, and directories at most lead others through', async () => {
  await runContainer(daemon(), 'modes', ['/bin/sleep', '1000']);
  // What images and containers bring is as they want it.
  const theirs = /^(rootfs|fs|work)$/;
  const open = [daemon().root, daemon().state].flatMap((path) => openToOthers(path, theirs));
  assert.deepEqual(open, []);
  await removeContainer(daemon(), 'modes');
});

/** Files that others may read or write or run, and directories that they may list or change; sockets also by their group. */
function openToOthers(path: string, skipped: RegExp): string[] {
  const stat = lstatSync(path);
  const mode = stat.mode & 0o777;
  const allowed = stat.isDirectory() ? 0o711 : stat.isSocket() ? 0o660 : 0o640;
  const own = (mode & ~allowed) === 0 || stat.isSymbolicLink() ? [] : [`${path} ${mode.toString(8)}`];
  // What is in a directory that others cannot enter is out of their reach.
  if (!stat.isDirectory() || (mode & 0o001) === 0) return own;
  const names = readdirSync(path).filter((name) => !skipped.test(name));
  return [...own, ...names.flatMap((name) => openToOthers(join(path, name), skipped))];
}

test('a link in the place of a bundle is replaced, and what it leads to is left alone', async () => {
  const { outside, tasks } = plant();
  mkdirSync(join(tasks, daemon().namespace), { recursive: true });
  symlinkSync(outside, join(tasks, daemon().namespace, 'linked'));
  await runContainer(daemon(), 'linked', ['/bin/sleep', '1000']);
  await removeContainer(daemon(), 'linked');
  assert.deepEqual(readdirSync(outside), ['precious']);
});

test('a link in the place of a namespace is refused', async () => {
  const { outside, tasks } = plant();
  const link = join(tasks, 'linked-namespace');
  mkdirSync(tasks, { recursive: true });
  symlinkSync(outside, link);
  const namespace = 'linked-namespace';
  const args = ['--address', daemon().socket, '--namespace', namespace];
  const run = ['run', '--rootfs', daemon().rootfs, 'led-out', '/bin/true'];
  const { code, stderr } = await runProgram('ctr', [...args, ...run]);
  assert.notEqual(code, 0);
  assert.match(stderr, /is a symbolic link/);
  unlinkSync(link);
  await runProgram('ctr', [...args, 'containers', 'rm', 'led-out']);
  await daemon().call(NamespacesService.delete, { name: namespace });
  assert.deepEqual(readdirSync(outside), ['precious']);
});

test('a link in the place where the runtime keeps a namespace is refused, too', async () => {
  const { outside } = plant();
  const root = join(daemon().state, 'runc', daemon().namespace);
  rmSync(root, { recursive: true, force: true });
  symlinkSync(outside, root);
  await createContainer(daemon(), 'led-out', ['/bin/true']);
  await assert.rejects(createTask(daemon(), 'led-out'), /is a symbolic link/);
  await daemon().call(ContainersService.delete, { id: 'led-out' });
  assert.deepEqual(readdirSync(outside), ['precious']);
  unlinkSync(root);
});

test('links in the state directory are not followed when a daemon cleans up', async () => {
  const { outside } = plant();
  // What leads out may lead to what looks like ours.
  mkdirSync(join(outside, 'namespace', 'id'), { recursive: true });
  writeFileSync(join(outside, 'namespace', 'id', 'precious'), '');
  const { state, namespace } = daemon();
  const links: [string, string][] = [
    [join(state, 'tasks', namespace, '.removed-1-left'), outside],
    [join(state, 'tasks', namespace, 'left'), outside],
    ...['tasks', 'runc', 'containers', 'mounts'].flatMap((room): [string, string][] => [
      [join(state, room, 'linked'), join(outside, 'namespace')],
      [join(state, room, namespace, 'linked'), join(outside, 'namespace', 'id')],
    ]),
  ];
  for (const [link, target] of links) {
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(target, link);
  }
  const before = tree(outside);
  await daemon().restart('SIGKILL');
  await daemon().berth(['check', '--repair']);
  await daemon().restart();
  assert.deepEqual(tree(outside), before);
  for (const [link] of links) rmSync(link, { force: true });
  for (const room of ['containers', 'mounts']) rmSync(join(state, room, namespace), { recursive: true, force: true });
});

function tree(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).toSorted();
}

test('another user can plant nothing in the directories of Berth', async () => {
  await createContainer(daemon(), 'directories', ['/bin/true']);
  const as = ['--reuid', `${nobody}`, '--regid', `${nobody}`, '--clear-groups'];
  const { state, root, namespace } = daemon();
  const places = [state, root, join(state, 'tasks'), join(state, 'tasks', namespace), join(state, 'runc', namespace)];
  for (const place of places) {
    const { code, stderr } = await runProgram('setpriv', [...as, 'ln', '-s', '/etc', join(place, 'planted')]);
    assert.notEqual(code, 0, place);
    assert.match(stderr, /Permission denied/);
  }
  await daemon().call(ContainersService.delete, { id: 'directories' });
});

function plant(): { readonly outside: string; readonly tasks: string } {
  const outside = daemon().path('outside');
  mkdirSync(outside, { recursive: true });
  writeFileSync(join(outside, 'precious'), '');
  return { outside, tasks: join(daemon().state, 'tasks') };
}

test('a container of a forked shim has none of the environment and the descriptors of daemon and shim', async () => {
  await assertNothingLeaksInto(daemon());
});

test('nor has one of a shim that was started afresh', async () => {
  const spawning = await startBerthd({ args: ['--shim-launch', 'spawn'], env: { BERTH_TEST_SECRET: secret } });
  try {
    await assertNothingLeaksInto(spawning);
  } finally {
    await spawning.dispose();
  }
});

async function assertNothingLeaksInto(host: TestDaemon): Promise<void> {
  const script = 'env; for fd in /proc/self/fd/*; do echo "fd ${fd##*/}"; done';
  const shell = ['/bin/sh', '-c', script];
  const run = await host.ctr(['run', '--rm', '--rootfs', host.rootfs, 'init', ...shell]);
  assert.equal(run.code, 0, run.stderr);
  assertClosed(host, run.stdout);
  await runContainer(host, 'exec', ['/bin/sleep', '1000']);
  const exec = await host.ctr(['tasks', 'exec', '--exec-id', 'e1', 'exec', ...shell]);
  assert.equal(exec.code, 0, exec.stderr);
  assertClosed(host, exec.stdout);
  assertRecordsAreTheDaemons(host);
  await removeContainer(host, 'exec');
}

/** LevelDB opens its files without a word on programs that are started later. */
function assertRecordsAreTheDaemons(host: TestDaemon): void {
  const others = findProcesses(host).filter(({ pid }) => pid !== host.pid);
  assert.ok(others.some(({ command }) => command.includes('shim')));
  const held = others.flatMap(({ pid, command }) =>
    readdirSync(`/proc/${pid}/fd`)
      .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
      .filter((path) => path.startsWith(host.root))
      .map((path) => `${command} (${pid}) holds ${path}`),
  );
  assert.deepEqual(held, []);
}

/** The shell lists the descriptors of its own: standard streams, and the directory that it reads. */
function assertClosed({ directory }: TestDaemon, output: string): void {
  assert.doesNotMatch(output, new RegExp(`${secret}|BERTH|NODE_|${directory}`));
  const descriptors = [...output.matchAll(/^fd (\d+)$/gm)].map(([, fd]) => Number(fd));
  assert.ok(descriptors.length >= 3 && descriptors.every((fd) => fd <= 3), output);
}
