// What `berth run` makes of a base spec and its options.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSpec, type SpecHost, type SpecWishes } from '../../../../src/cli/spec/build-spec.js';
import { defaultSpec } from '../../../../src/cli/spec/default-spec.js';

const base = defaultSpec('ns', 'web');
const host: SpecHost = { networkFiles: ['/etc/hosts'], capabilities: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] };
const nothing: SpecWishes = {
  args: [],
  env: [],
  mounts: [],
  readOnly: false,
  netHost: false,
  privileged: false,
  terminal: false,
};

function build(wishes: Partial<SpecWishes>) {
  return buildSpec(base, { ...nothing, ...wishes }, host);
}

test('the default spec has its own namespaces, cgroup and pseudo file systems', () => {
  assert.equal(base.linux?.cgroupsPath, '/ns/web');
  assert.deepEqual(
    base.linux?.namespaces?.map(({ type }) => type),
    ['pid', 'ipc', 'uts', 'mount', 'network'],
  );
  assert.deepEqual(
    base.mounts?.map(({ destination }) => destination),
    ['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/sys', '/run'],
  );
  assert.equal(base.process.noNewPrivileges, true);
  assert.ok(!base.process.capabilities?.effective?.includes('CAP_SYS_ADMIN'));
  assert.ok(base.linux?.maskedPaths?.includes('/proc/kcore'));
  assert.deepEqual(base.linux?.resources?.devices, [{ allow: false, access: 'rwm' }]);
});

test('without wishes only the terminal is settled', () => {
  assert.deepEqual(build({}), { ...base, process: { ...base.process, terminal: false } });
});

test('the rootfs, its being read-only, and the host name are set', () => {
  const spec = build({ rootfs: '/r', readOnly: true, hostname: 'h' });
  assert.deepEqual(spec.root, { path: '/r', readonly: true });
  assert.equal(spec.hostname, 'h');
});

test('the command replaces the one of the base, and none keeps it', () => {
  assert.deepEqual(build({ args: ['a', 'b'] }).process.args, ['a', 'b']);
  assert.deepEqual(build({}).process.args, ['sh']);
});

test('variables, working directory and user go to the process', () => {
  const { process } = build({ env: ['PATH=/x', 'A=1'], cwd: '/tmp', user: { uid: 5, gid: 6 } });
  assert.deepEqual(process.env, ['PATH=/x', 'A=1']);
  assert.equal(process.cwd, '/tmp');
  assert.deepEqual(process.user, { uid: 5, gid: 6 });
});

test('a terminal has its size, and TERM where nobody sets another', () => {
  const spec = build({ terminal: true, terminalSize: { width: 80, height: 24 } });
  assert.equal(spec.process.terminal, true);
  assert.deepEqual(spec.process.consoleSize, { width: 80, height: 24 });
  assert.ok(spec.process.env?.includes('TERM=xterm'));
  assert.ok(build({ terminal: true, env: ['TERM=vt100'] }).process.env?.includes('TERM=vt100'));
});

test('a size without a terminal is left out, also one of the base', () => {
  const withSize = { ...base, process: { ...base.process, terminal: true, consoleSize: { width: 1, height: 1 } } };
  const spec = buildSpec(withSize, { ...nothing, terminalSize: { width: 80, height: 24 } }, host);
  assert.equal(spec.process.consoleSize, undefined);
  assert.equal(spec.process.terminal, false);
});

test('limits go to the resources, beside what the base has there', () => {
  const resources = build({ memoryBytes: 64 * 1024 ** 2, cpus: 1.5, pidsLimit: 20 }).linux?.resources;
  assert.deepEqual(resources, {
    devices: [{ allow: false, access: 'rwm' }],
    memory: { limit: 67_108_864 },
    cpu: { quota: 150_000, period: 100_000 },
    pids: { limit: 20 },
  });
});

test('the network of the host leaves the namespace out and brings its files', () => {
  const spec = build({ netHost: true });
  assert.ok(!spec.linux?.namespaces?.some(({ type }) => type === 'network'));
  assert.deepEqual(spec.mounts?.at(-1), {
    type: 'bind',
    source: '/etc/hosts',
    destination: '/etc/hosts',
    options: ['rbind', 'ro'],
  });
});

test('mounts follow those of the base', () => {
  const mount = { type: 'bind', source: '/a', destination: '/b', options: ['rbind'] };
  const { mounts = [] } = build({ mounts: [mount] });
  assert.deepEqual(mounts, [...(base.mounts ?? []), mount]);
});

test('a privileged container has what this process could give, and nothing is hidden from it', () => {
  const spec = build({ privileged: true });
  assert.deepEqual(spec.process.capabilities?.bounding, host.capabilities);
  assert.equal(spec.process.noNewPrivileges, false);
  assert.deepEqual(spec.linux?.maskedPaths, []);
  assert.deepEqual(spec.linux?.readonlyPaths, []);
  assert.deepEqual(spec.linux?.resources?.devices, [{ allow: true, access: 'rwm' }]);
  const sys = spec.mounts?.find(({ destination }) => destination === '/sys');
  assert.ok(sys?.options?.includes('rw') && !sys.options.includes('ro'));
});

test('what the base has and berth does not know is kept', () => {
  const odd = {
    ...base,
    annotations: { a: 'b' },
    linux: { ...base.linux, seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } },
  };
  const spec = buildSpec(odd, nothing, host);
  assert.deepEqual(Reflect.get(spec, 'annotations'), { a: 'b' });
  assert.deepEqual(Reflect.get(spec.linux ?? {}, 'seccomp'), { defaultAction: 'SCMP_ACT_ALLOW' });
});
