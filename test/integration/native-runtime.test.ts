// Which of runc's verbs a container's life takes when the shim makes the system calls itself, and that it leaves to runc what is
// not plain.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Options } from '../../src/generated/containerd/runc/v1/oci.js';
import { type TestShim, useShim } from '../helpers/use-shim.js';

const shim = useShim();

/** Installs a runtime of this name that notes its verb and becomes runc; gives the fields of a Create that uses it. */
function recordedRuntime(subject: TestShim, name: string) {
  mkdirSync(join(subject.scope.directory, 'bin'));
  const binaryName = join(subject.scope.directory, 'bin', name);
  const note = `for word; do case $word in create|start|delete|exec) echo $word >>'${verbsFile(subject)}'; break;; esac; done`;
  writeFileSync(binaryName, `#!/bin/sh\n${note}\nexec runc "$@"\n`);
  chmodSync(binaryName, 0o755);
  const options = Options.encode({ ...Options.decode(new Uint8Array()), binaryName, root: subject.runcRoot }).finish();
  return { options: { typeUrl: 'containerd.runc.v1.Options', value: Buffer.from(options) } };
}

function verbsFile(subject: TestShim): string {
  return join(subject.scope.directory, 'verbs');
}

function verbs(subject: TestShim): string[] {
  return readFileSync(verbsFile(subject), 'utf8').trim().split('\n');
}

/** What runc would list. */
function runtimeState(subject: TestShim): string[] {
  return readdirSync(join(subject.runcRoot, subject.scope.namespace));
}

function stateFile(subject: TestShim): string {
  return join(subject.runcRoot, subject.scope.namespace, 'c1', 'state.json');
}

test('a plain container costs one call of runc, and leaves nothing', async () => {
  await shim().run(['/bin/sh', '-c', 'exit 3'], recordedRuntime(shim(), 'runc'));
  assert.equal((await shim().wait()).exitStatus, 3);
  const groups = Object.values(JSON.parse(readFileSync(stateFile(shim()), 'utf8')).cgroup_paths as object) as string[];
  assert.ok(groups.length > 0);
  await shim().delete();
  assert.deepEqual(verbs(shim()), ['create']);
  assert.deepEqual(runtimeState(shim()), []);
  assert.deepEqual(
    groups.filter((path) => existsSync(path)),
    [],
  );
});

test('to runc a container that was started natively runs like any other', async () => {
  await shim().run(['/bin/sleep', '60'], recordedRuntime(shim(), 'runc'));
  assert.ok(!existsSync(join(shim().runcRoot, shim().scope.namespace, 'c1', 'exec.fifo')));
  await shim().exec('e1', ['/bin/true']);
  assert.equal((await shim().wait('e1')).exitStatus, 0);
  await shim().kill(9);
  assert.equal((await shim().wait()).exitStatus, 137);
  await shim().delete();
  assert.deepEqual(verbs(shim()), ['create', 'exec']);
});

test('a created container that is never started is deleted natively too', async () => {
  shim().writeSpec({ args: ['/bin/true'] });
  await shim().task.create(shim().createRequest(recordedRuntime(shim(), 'runc')));
  await shim().delete();
  assert.deepEqual(verbs(shim()), ['create']);
  assert.deepEqual(runtimeState(shim()), []);
});

test('a runtime of another name is asked for everything', async () => {
  await shim().run(['/bin/true'], recordedRuntime(shim(), 'my-runtime'));
  await shim().wait();
  await shim().delete();
  assert.deepEqual(verbs(shim()), ['create', 'start', 'delete']);
});

test('a container with a poststop hook is deleted by runc, which runs it', async () => {
  shim().writeSpec({ args: ['/bin/true'] });
  const config = join(shim().bundle, 'config.json');
  const hookRan = join(shim().scope.directory, 'hook-ran');
  const hooks = { poststop: [{ path: '/bin/sh', args: ['sh', '-c', `echo yes >${hookRan}`] }] };
  writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), hooks }));
  await shim().task.create(shim().createRequest(recordedRuntime(shim(), 'runc')));
  await shim().task.start({ id: 'c1', execId: '' });
  await shim().wait();
  await shim().delete();
  assert.deepEqual(verbs(shim()), ['create', 'delete']);
  assert.equal(readFileSync(hookRan, 'utf8'), 'yes\n');
});

test('a start is answered once the container’s program runs, after its hooks and not before', async () => {
  shim().writeSpec({ args: ['/bin/sleep', '60'] });
  const config = join(shim().bundle, 'config.json');
  const hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'sleep 0.5'] }] };
  writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), hooks }));
  await shim().task.create(shim().createRequest(recordedRuntime(shim(), 'runc')));
  const { pid } = await shim().task.start({ id: 'c1', execId: '' });
  assert.equal(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), ['/bin/sleep', '60', ''].join('\0'));
  await shim().kill(9);
  await shim().wait();
  await shim().delete();
  assert.deepEqual(verbs(shim()), ['create']);
});

test('a container whose group has groups below it is deleted by runc', async () => {
  await shim().run(['/bin/sleep', '60'], recordedRuntime(shim(), 'runc'));
  const paths = JSON.parse(readFileSync(stateFile(shim()), 'utf8')).cgroup_paths as Record<string, string>;
  const group = paths['pids'] ?? paths[''];
  assert.ok(group !== undefined);
  mkdirSync(join(group, 'below'));
  await shim().kill(9);
  await shim().wait();
  await shim().delete();
  assert.deepEqual(verbs(shim()), ['create', 'delete']);
  assert.ok(!existsSync(group));
});

test('a container with a cache allocation is left to runc', async () => {
  await shim().run(['/bin/true'], recordedRuntime(shim(), 'runc'));
  await shim().wait();
  const state = JSON.parse(readFileSync(stateFile(shim()), 'utf8'));
  state.config.intelRdt = {};
  writeFileSync(stateFile(shim()), JSON.stringify(state));
  await shim().delete();
  assert.deepEqual(verbs(shim()), ['create', 'delete']);
});
