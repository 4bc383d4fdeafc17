// Every RPC of the served services, with good input and with bad, through a client that is independent of Berth's code.
// The statuses are those that containerd 1.6 was seen to give; where it answers UNKNOWN for want of a mapping, Berth's
// are the ones that containerd 2 gives, or that the state of the object asks for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isContainerd } from '../helpers/daemon.js';
import type { RpcOptions } from '../helpers/rpc.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { type Message, WireClient } from '../helpers/wire-client.js';

const daemon = useBerthd();

const client = new WireClient([
  'berth/v1/events.proto',
  'berth/v1/exits.proto',
  'containerd/services/containers/v1/containers.proto',
  'containerd/services/events/v1/events.proto',
  'containerd/services/introspection/v1/introspection.proto',
  'containerd/services/leases/v1/leases.proto',
  'containerd/services/namespaces/v1/namespace.proto',
  'containerd/services/tasks/v1/tasks.proto',
  'containerd/services/version/v1/version.proto',
]);

const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const FAILED_PRECONDITION = 9;
const UNIMPLEMENTED = 12;
/** What containerd 1.6 gives where Berth knows better. */
const UNKNOWN = 2;

async function ok(name: string, request: Message = {}, options: RpcOptions = {}): Promise<Message> {
  const { code, details, message } = await client.call(daemon(), name, request, options);
  assert.equal(code, 0, `${name} ${JSON.stringify(request)}: ${details}`);
  return message;
}

/** The call fails with `status` and a message that `pattern` matches; `containerd` where the real one differs. */
async function fails(
  status: number,
  pattern: RegExp,
  name: string,
  request: Message = {},
  options: RpcOptions & { readonly containerd?: number } = {},
): Promise<void> {
  const { code, details } = await client.call(daemon(), name, request, options);
  const what = `${name} ${JSON.stringify(request)} gave ${code}: ${details}`;
  assert.equal(code, isContainerd ? (options.containerd ?? status) : status, what);
  if (!isContainerd) assert.match(details, pattern, what);
}

const badIds = ['', '..', 'a/b', '../../x', '-a', 'a b', 'x'.repeat(77)];

/** A value in an Any, as JSON, the way containerd's typeurl has specs. */
function specAny(spec: object | string): Message {
  const value = Buffer.from(typeof spec === 'string' ? spec : JSON.stringify(spec));
  return { type_url: 'types.containerd.io/opencontainers/runtime-spec/1/Spec', value };
}

function processAny(...args: string[]): Message {
  const value = Buffer.from(JSON.stringify({ args, cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'] }));
  return { type_url: 'types.containerd.io/opencontainers/runtime-spec/1/Process', value };
}

function resourcesAny(resources: object): Message {
  const value = Buffer.from(JSON.stringify(resources));
  return { type_url: 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources', value };
}

function spec(...args: string[]): object {
  return {
    ociVersion: '1.0.2',
    process: { user: { uid: 0, gid: 0 }, args, cwd: '/', env: ['PATH=/bin'] },
    root: { path: daemon().rootfs },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: {
      cgroupsPath: `/${daemon().namespace}/${args.length}`,
      namespaces: [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }, { type: 'network' }],
    },
  };
}

function container(id: string, ...args: string[]): Message {
  return { id, runtime: { name: 'io.containerd.runc.v2' }, spec: specAny(spec(...args)), labels: { made: 'here' } };
}

/** A task in its first state, CREATED. */
async function createTask(id: string, ...args: string[]): Promise<void> {
  await ok('Containers/Create', { container: container(id, ...args) });
  await ok('Tasks/Create', { containerId: id });
}

async function removeTask(id: string): Promise<void> {
  await client.call(daemon(), 'Tasks/Kill', { containerId: id, signal: 9, all: true });
  await ok('Tasks/Wait', { containerId: id });
  await ok('Tasks/Delete', { containerId: id });
  await ok('Containers/Delete', { id });
}

test('Version and Introspection answer', async () => {
  assert.notEqual((await ok('Version/Version'))['version'], '');
  assert.match(String((await ok('Introspection/Server'))['uuid']), /^[0-9a-f-]{36}$/);
  const { plugins } = await ok('Introspection/Plugins', { filters: ['id==tasks'] });
  assert.ok(Array.isArray(plugins) && plugins.length >= 1);
  await fails(INVALID_ARGUMENT, /filter/, 'Introspection/Plugins', { filters: ['id=='] });
  await fails(
    NOT_FOUND,
    /no\.such/,
    'Introspection/PluginInfo',
    { type: 'no.such', id: 'x' },
    { containerd: UNIMPLEMENTED },
  );
});

test('Namespaces', async () => {
  const name = `${daemon().namespace}-made`;
  const labels = { a: '1', b: '2' };
  assert.deepEqual(await ok('Namespaces/Create', { namespace: { name, labels } }), { namespace: { name, labels } });
  await fails(ALREADY_EXISTS, new RegExp(name), 'Namespaces/Create', { namespace: { name } });
  for (const bad of badIds)
    await fails(INVALID_ARGUMENT, /namespace/, 'Namespaces/Create', { namespace: { name: bad } });
  assert.deepEqual(await ok('Namespaces/Get', { name }), { namespace: { name, labels } });
  // Clients ask for the labels of namespaces that nobody created, and take an error as the end of their work.
  assert.deepEqual(await ok('Namespaces/Get', { name: 'ghost' }), { namespace: { name: 'ghost', labels: {} } });
  const update = { namespace: { name, labels: { a: '3' } }, updateMask: { paths: ['labels.a'] } };
  await ok('Namespaces/Update', update);
  assert.deepEqual(await ok('Namespaces/Get', { name }), { namespace: { name, labels: { a: '3', b: '2' } } });
  await fails(INVALID_ARGUMENT, /shape/, 'Namespaces/Update', {
    namespace: { name },
    updateMask: { paths: ['shape'] },
  });
  const { namespaces } = await ok('Namespaces/List');
  assert.ok(Array.isArray(namespaces) && namespaces.some((found) => found.name === name));
  await ok('Namespaces/Delete', { name });
  await fails(NOT_FOUND, new RegExp(name), 'Namespaces/Delete', { name });
});

test('a namespace with a container is not deleted', async () => {
  await ok('Containers/Create', { container: container('inside', '/bin/true') });
  const { namespace } = daemon();
  await fails(FAILED_PRECONDITION, new RegExp(namespace), 'Namespaces/Delete', { name: namespace });
  await ok('Containers/Delete', { id: 'inside' });
  await ok('Namespaces/Delete', { name: namespace });
});

test('what works in a namespace asks for one', async () => {
  const none = { namespace: '' };
  for (const name of [
    'Containers/List',
    'Containers/Create',
    'Tasks/List',
    'Tasks/Create',
    'Leases/Create',
    'Leases/List',
  ]) {
    const request = name === 'Containers/Create' ? { container: container('x', '/bin/true') } : { containerId: 'x' };
    await fails(FAILED_PRECONDITION, /namespace is required/, name, request, none);
  }
  await fails(INVALID_ARGUMENT, /namespace/, 'Containers/List', {}, { namespace: '../up' });
});

test('Containers', async () => {
  const created = await ok('Containers/Create', { container: container('one', '/bin/true') });
  await fails(ALREADY_EXISTS, /one/, 'Containers/Create', { container: container('one', '/bin/true') });
  assert.deepEqual(await ok('Containers/Get', { id: 'one' }), created);
  await fails(NOT_FOUND, /ghost/, 'Containers/Get', { id: 'ghost' });
  const { containers } = await ok('Containers/List', { filters: ['labels.made==here'] });
  assert.deepEqual(containers, [created['container']]);
  await fails(INVALID_ARGUMENT, /labels/, 'Containers/List', { filters: ['labels.made=='] });
  await ok('Containers/Delete', { id: 'one' });
  await fails(NOT_FOUND, /one/, 'Containers/Delete', { id: 'one' });
});

test('Containers/ListStream streams what List lists', async () => {
  for (const id of ['a', 'b', 'c']) await ok('Containers/Create', { container: container(id, '/bin/true') });
  const stream = daemon().stream(client.method('Containers/ListStream'), {});
  assert.equal(await stream.ended, undefined);
  const { containers } = await ok('Containers/List');
  assert.deepEqual(
    stream.received.map((message) => message['container']),
    containers,
  );
  for (const id of ['a', 'b', 'c']) await ok('Containers/Delete', { id });
});

test('Containers/Create refuses what is not whole', async () => {
  const good = container('bad', '/bin/true');
  for (const id of badIds) await fails(INVALID_ARGUMENT, /id/, 'Containers/Create', { container: { ...good, id } });
  await fails(INVALID_ARGUMENT, /runtime/i, 'Containers/Create', { container: { ...good, runtime: undefined } });
  await fails(INVALID_ARGUMENT, /spec/i, 'Containers/Create', { container: { ...good, spec: undefined } });
  const labels = { key: 'v'.repeat(5000) };
  await fails(INVALID_ARGUMENT, /label/, 'Containers/Create', { container: { ...good, labels } });
});

test('Containers/Update changes what its mask names, and nothing that must not change', async () => {
  await ok('Containers/Create', { container: container('upd', '/bin/true') });
  const update = async (change: Message, ...paths: string[]) =>
    await ok('Containers/Update', { container: { id: 'upd', ...change }, updateMask: { paths } });
  const labelled = await update({ labels: { made: 'there', x: 'y' } }, 'labels.x');
  assert.deepEqual((labelled['container'] as Message)['labels'], { made: 'here', x: 'y' });
  const replaced = await update({ labels: { z: '1' } }, 'labels');
  assert.deepEqual((replaced['container'] as Message)['labels'], { z: '1' });
  const request = (path: string) => ({ container: { id: 'upd', image: 'i' }, updateMask: { paths: [path] } });
  await fails(INVALID_ARGUMENT, /created_at/, 'Containers/Update', request('created_at'));
  await fails(INVALID_ARGUMENT, /id/, 'Containers/Update', { container: { id: '' } });
  await fails(NOT_FOUND, /ghost/, 'Containers/Update', {
    container: { id: 'ghost' },
    updateMask: { paths: ['labels'] },
  });
  await ok('Containers/Delete', { id: 'upd' });
});

test('a task that is not there is not found, whatever is asked of it', async () => {
  await ok('Containers/Create', { container: container('bare', '/bin/true') });
  const methods = [
    'Get',
    'Start',
    'Kill',
    'Delete',
    'Wait',
    'ListPids',
    'CloseIO',
    'ResizePty',
    'Exec',
    'DeleteProcess',
  ];
  for (const id of ['bare', 'ghost']) {
    for (const method of methods) {
      const request = {
        containerId: id,
        execId: method === 'Exec' ? 'e1' : '',
        signal: 9,
        spec: processAny('/bin/true'),
      };
      await fails(NOT_FOUND, new RegExp(id), `Tasks/${method}`, request);
    }
  }
  await fails(NOT_FOUND, /ghost/, 'Tasks/Create', { containerId: 'ghost' });
  await ok('Containers/Delete', { id: 'bare' });
});

test('a task from create to delete', async () => {
  await createTask('life', '/bin/sleep', '1000');
  const status = async () => ((await ok('Tasks/Get', { containerId: 'life' }))['process'] as Message)['status'];
  assert.equal(await status(), 'CREATED');
  await fails(ALREADY_EXISTS, /life/, 'Tasks/Create', { containerId: 'life' });
  const { pid } = await ok('Tasks/Start', { containerId: 'life' });
  assert.equal(await status(), 'RUNNING');
  await fails(FAILED_PRECONDITION, /life/, 'Tasks/Start', { containerId: 'life' }, { containerd: UNKNOWN });
  await fails(FAILED_PRECONDITION, /life/, 'Tasks/Delete', { containerId: 'life' }, { containerd: UNKNOWN });
  const { tasks } = await ok('Tasks/List');
  assert.deepEqual(Array.isArray(tasks) && tasks.map((task) => [task.id, task.pid, task.status]), [
    ['life', pid, 'RUNNING'],
  ]);
  const { processes } = await ok('Tasks/ListPids', { containerId: 'life' });
  assert.deepEqual(Array.isArray(processes) && processes.map((found) => found.pid), [pid]);
  await ok('Tasks/CloseIO', { containerId: 'life', stdin: true });
  await ok('Tasks/ResizePty', { containerId: 'life', width: 80, height: 25 });
  await ok('Tasks/Kill', { containerId: 'life', signal: 9 });
  assert.equal((await ok('Tasks/Wait', { containerId: 'life' }))['exitStatus'], 137);
  assert.equal(await status(), 'STOPPED');
  await fails(NOT_FOUND, /life|finished/, 'Tasks/Kill', { containerId: 'life', signal: 9 });
  await fails(FAILED_PRECONDITION, /life/, 'Tasks/Start', { containerId: 'life' }, { containerd: UNKNOWN });
  await fails(
    FAILED_PRECONDITION,
    /life/,
    'Tasks/Exec',
    { containerId: 'life', execId: 'e', spec: processAny('/bin/true') },
    { containerd: UNKNOWN },
  );
  const deleted = await ok('Tasks/Delete', { containerId: 'life' });
  assert.deepEqual([deleted['exitStatus'], deleted['pid']], [137, pid]);
  await fails(NOT_FOUND, /life/, 'Tasks/Delete', { containerId: 'life' });
  await ok('Containers/Delete', { id: 'life' });
});

test('a container with a task is not deleted', { skip: isContainerd }, async () => {
  await createTask('owner', '/bin/true');
  await fails(FAILED_PRECONDITION, /owner/, 'Containers/Delete', { id: 'owner' });
  await removeTask('owner');
});

test('a task that was never started is killed and deleted', async () => {
  await createTask('unstarted', '/bin/true');
  await ok('Tasks/Kill', { containerId: 'unstarted', signal: 9 });
  assert.equal((await ok('Tasks/Wait', { containerId: 'unstarted' }))['exitStatus'], 137);
  await ok('Tasks/Delete', { containerId: 'unstarted' });
  await ok('Containers/Delete', { id: 'unstarted' });
});

test('a task that was only created is deleted', async () => {
  await createTask('onlycreated', '/bin/true');
  await ok('Tasks/Delete', { containerId: 'onlycreated' });
  await ok('Containers/Delete', { id: 'onlycreated' });
});

test('execs', async () => {
  await createTask('host', '/bin/sleep', '1000');
  const exec = (execId: string, ...args: string[]) => ({ containerId: 'host', execId, spec: processAny(...args) });
  const process = (execId: string) => ({ containerId: 'host', execId });
  await ok('Tasks/Start', { containerId: 'host' });
  await ok('Tasks/Exec', exec('e1', '/bin/sleep', '1000'));
  await fails(ALREADY_EXISTS, /e1/, 'Tasks/Exec', exec('e1', '/bin/true'));
  await fails(FAILED_PRECONDITION, /e1/, 'Tasks/Kill', { ...process('e1'), signal: 9 });
  await ok('Tasks/Start', process('e1'));
  await fails(FAILED_PRECONDITION, /e1/, 'Tasks/Start', process('e1'), { containerd: UNKNOWN });
  assert.equal(((await ok('Tasks/Get', process('e1')))['process'] as Message)['status'], 'RUNNING');
  await fails(FAILED_PRECONDITION, /e1/, 'Tasks/DeleteProcess', process('e1'), { containerd: UNKNOWN });
  await ok('Tasks/ResizePty', { ...process('e1'), width: 80, height: 25 });
  await ok('Tasks/CloseIO', { ...process('e1'), stdin: true });
  await ok('Tasks/Kill', { ...process('e1'), signal: 15 });
  assert.equal((await ok('Tasks/Wait', process('e1')))['exitStatus'], 143);
  await fails(NOT_FOUND, /e1|finished/, 'Tasks/Kill', { ...process('e1'), signal: 9 });
  assert.equal((await ok('Tasks/DeleteProcess', process('e1')))['exitStatus'], 143);
  for (const method of ['Get', 'Start', 'Kill', 'Wait', 'DeleteProcess', 'CloseIO', 'ResizePty']) {
    await fails(NOT_FOUND, /e1/, `Tasks/${method}`, { ...process('e1'), signal: 9 });
  }
  for (const bad of badIds) await fails(INVALID_ARGUMENT, /id/, 'Tasks/Exec', exec(bad, '/bin/true'));
  await removeTask('host');
});

test('an exec that is not started yet is deleted', async () => {
  await createTask('unexeced', '/bin/sleep', '1000');
  await ok('Tasks/Start', { containerId: 'unexeced' });
  await ok('Tasks/Exec', { containerId: 'unexeced', execId: 'e1', spec: processAny('/bin/true') });
  await ok('Tasks/DeleteProcess', { containerId: 'unexeced', execId: 'e1' });
  await fails(NOT_FOUND, /e1/, 'Tasks/Get', { containerId: 'unexeced', execId: 'e1' });
  await removeTask('unexeced');
});

test('a task is not created from a spec that cannot run', async () => {
  const make = async (id: string, value: Message) =>
    await ok('Containers/Create', { container: { ...container(id), spec: value } });
  await make('notjson', specAny('{"ociVersion": '));
  await fails(INVALID_ARGUMENT, /notjson.*JSON/, 'Tasks/Create', { containerId: 'notjson' }, { containerd: UNKNOWN });
  await make('rejected', specAny({ ...spec('/bin/true'), process: { args: ['/bin/true'], cwd: 'relative' } }));
  await fails(UNKNOWN, /cwd/i, 'Tasks/Create', { containerId: 'rejected' });
  await make('norootfs', specAny({ ...spec('/bin/true'), root: { path: '/no/such/rootfs' } }));
  await fails(UNKNOWN, /\/no\/such\/rootfs/, 'Tasks/Create', { containerId: 'norootfs' });
  await make('emptyroot', specAny({ ...spec('/bin/true'), root: undefined }));
  await fails(UNKNOWN, /root/i, 'Tasks/Create', { containerId: 'emptyroot' });
  for (const id of ['notjson', 'rejected', 'norootfs', 'emptyroot']) await ok('Containers/Delete', { id });
});

test('a task with a mount that fails is not created', async () => {
  await ok('Containers/Create', { container: container('badmount', '/bin/true') });
  const rootfs = [{ type: 'bind', source: '/no/such/source', options: ['rbind'] }];
  await fails(UNKNOWN, /no such file|badmount|rootfs/, 'Tasks/Create', { containerId: 'badmount', rootfs });
  await ok('Containers/Delete', { id: 'badmount' });
});

test('a task is paused and resumed', async () => {
  await createTask('frozen', '/bin/sleep', '1000');
  await ok('Tasks/Start', { containerId: 'frozen' });
  const status = async () => ((await ok('Tasks/Get', { containerId: 'frozen' }))['process'] as Message)['status'];
  await ok('Tasks/Pause', { containerId: 'frozen' });
  assert.equal(await status(), 'PAUSED');
  const exec = { containerId: 'frozen', execId: 'e1', spec: processAny('/bin/true') };
  await fails(FAILED_PRECONDITION, /paused/, 'Tasks/Exec', exec, { containerd: UNKNOWN });
  await fails(FAILED_PRECONDITION, /paused/, 'Tasks/Pause', { containerId: 'frozen' }, { containerd: UNKNOWN });
  await ok('Tasks/Resume', { containerId: 'frozen' });
  assert.equal(await status(), 'RUNNING');
  await fails(FAILED_PRECONDITION, /running/, 'Tasks/Resume', { containerId: 'frozen' }, { containerd: UNKNOWN });
  for (const method of ['Pause', 'Resume', 'Update']) {
    await fails(NOT_FOUND, /ghost/, `Tasks/${method}`, { containerId: 'ghost', resources: resourcesAny({}) });
  }
  await removeTask('frozen');
});

test('the limits of a task are updated', async () => {
  await createTask('limited', '/bin/sleep', '1000');
  await ok('Tasks/Start', { containerId: 'limited' });
  const resources = resourcesAny({ pids: { limit: 33 } });
  await ok('Tasks/Update', { containerId: 'limited', resources });
  // The shim of containerd 1.6 dies of this.
  if (!isContainerd) await fails(INVALID_ARGUMENT, /resources/, 'Tasks/Update', { containerId: 'limited' });
  await removeTask('limited');
});

test('the metrics of running tasks are those asked for', async () => {
  await createTask('measured', '/bin/sleep', '1000');
  await ok('Tasks/Start', { containerId: 'measured' });
  const answer = await client.call(daemon(), 'Tasks/Metrics', { filters: ['id==measured'] });
  if (answer.code === UNIMPLEMENTED) return await removeTask('measured');
  const { metrics } = answer.message;
  assert.ok(Array.isArray(metrics), answer.details);
  assert.deepEqual(
    metrics.map(({ id }) => id),
    ['measured'],
  );
  assert.match(metrics[0].data.type_url, /io\.containerd\.cgroups\.v[12]\.Metrics/);
  await removeTask('measured');
});

test('a checkpoint of a task that is not there is refused', async () => {
  const { code } = await client.call(daemon(), 'Tasks/Checkpoint', { containerId: 'ghost' });
  assert.ok(code === NOT_FOUND || code === UNIMPLEMENTED, `code ${code}`);
});

test('Events', async () => {
  const event = { type_url: 'my.Type', value: Buffer.from('x') };
  await ok('Events/Publish', { topic: '/my/topic', event });
  for (const topic of ['', 'my/topic', '/', '/my//topic', '/my/to pic']) {
    await fails(INVALID_ARGUMENT, /topic/, 'Events/Publish', { topic, event });
  }
  await fails(FAILED_PRECONDITION, /namespace/, 'Events/Publish', { topic: '/my/topic', event }, { namespace: '' });
  const timestamp = { seconds: 1, nanos: 2 };
  const envelope = { timestamp, namespace: daemon().namespace, topic: '/my/topic', event };
  const stream = daemon().stream(client.method('Events/Subscribe'), { filters: [] });
  await ok('Events/Forward', { envelope });
  await fails(INVALID_ARGUMENT, /namespace/, 'Events/Forward', { envelope: { ...envelope, namespace: '../x' } });
  await fails(INVALID_ARGUMENT, /topic/, 'Events/Forward', { envelope: { ...envelope, topic: 'no' } });
  await fails(INVALID_ARGUMENT, /timestamp/, 'Events/Forward', { envelope: { ...envelope, timestamp: undefined } });
  stream.cancel();
  assert.equal((await stream.ended)?.code, 1);
});

test('Leases', async () => {
  const created = await ok('Leases/Create', { id: 'held', labels: { a: '1' } });
  assert.equal((created['lease'] as Message)['id'], 'held');
  await fails(ALREADY_EXISTS, /held/, 'Leases/Create', { id: 'held' });
  const { leases } = await ok('Leases/List', { filters: ['labels.a==1'] });
  assert.deepEqual(leases, [created['lease']]);
  await fails(INVALID_ARGUMENT, /labels/, 'Leases/List', { filters: ['labels.a=='] });
  const resource = { id: 'a-snapshot', type: 'snapshots/native' };
  await ok('Leases/AddResource', { id: 'held', resource });
  assert.deepEqual(await ok('Leases/ListResources', { id: 'held' }), { resources: [resource] });
  await ok('Leases/DeleteResource', { id: 'held', resource });
  await ok('Leases/DeleteResource', { id: 'held', resource });
  assert.deepEqual(await ok('Leases/ListResources', { id: 'held' }), { resources: [] });
  for (const method of ['AddResource', 'DeleteResource', 'ListResources']) {
    await fails(NOT_FOUND, /ghost/, `Leases/${method}`, { id: 'ghost', resource });
  }
  for (const method of ['AddResource', 'DeleteResource']) {
    const rejects = async (status: number, pattern: RegExp, bad: Message) =>
      await fails(status, pattern, `Leases/${method}`, { id: 'held', resource: bad });
    await rejects(INVALID_ARGUMENT, /digest/, { id: 'x', type: 'content' });
    await rejects(INVALID_ARGUMENT, /snapshots/, { id: 'x', type: 'snapshots' });
    await rejects(INVALID_ARGUMENT, /content\/x/, { id: 'x', type: 'content/x' });
    await rejects(UNIMPLEMENTED, /mounts/, { id: 'x', type: 'mounts' });
  }
  await ok('Leases/Delete', { id: 'held' });
  // What Go's client makes up ends in random base64url.
  for (const id of ['625454100--3Ld', '625454100-3L_-', 'not an id']) {
    await ok('Leases/Create', { id });
    await ok('Leases/Delete', { id });
  }
  await fails(NOT_FOUND, /held/, 'Leases/Delete', { id: 'held' });
});

test('berth.v1.Exits keeps the exits of processes that are gone', { skip: isContainerd }, async () => {
  await createTask('kept', '/bin/sh', '-c', 'exit 6');
  await ok('Tasks/Start', { containerId: 'kept' });
  await ok('Tasks/Wait', { containerId: 'kept' });
  await ok('Tasks/Delete', { containerId: 'kept' });
  await ok('Containers/Delete', { id: 'kept' });
  const exit = (await ok('berth.v1.Exits/Get', { containerId: 'kept' }))['exit'] as Message;
  assert.deepEqual([exit['exitStatus'], exit['provenance']], [6, 'PROVENANCE_WAITED']);
  const { exits } = await ok('berth.v1.Exits/List');
  assert.ok(Array.isArray(exits) && exits.some(({ containerId }) => containerId === 'kept'));
  await fails(NOT_FOUND, /ghost/, 'berth.v1.Exits/Get', { containerId: 'ghost' });
  await fails(INVALID_ARGUMENT, /id/, 'berth.v1.Exits/Get', { containerId: '../x' });
  await fails(FAILED_PRECONDITION, /namespace/, 'berth.v1.Exits/List', {}, { namespace: '' });
});

test('berth.v1.Events replays what happened, by number', { skip: isContainerd }, async () => {
  const event = { type_url: 'my.Type', value: Buffer.from('x') };
  const { last } = await ok('berth.v1.Events/Head');
  for (const topic of ['/my/one', '/my/two', '/my/three']) await ok('Events/Publish', { topic, event });
  const subscribe = client.method('berth.v1.Events/Subscribe');
  const stream = daemon().stream(subscribe, { after: last, filters: ['topic~=^/my/'], follow: false });
  assert.equal(await stream.ended, undefined);
  const numbers = stream.received.map((entry) => [
    (entry['event'] as Message)['number'],
    (entry['event'] as Message)['topic'],
  ]);
  const first = Number(last) + 1;
  assert.deepEqual(numbers, [
    [first, '/my/one'],
    [first + 1, '/my/two'],
    [first + 2, '/my/three'],
  ]);
  const refused = daemon().stream(subscribe, { filters: ['topic=='], follow: true });
  assert.equal((await refused.ended)?.code, INVALID_ARGUMENT);
});

test('no RPC of these services was left out', { skip: isContainerd }, () => {
  assert.deepEqual(client.uncalled, []);
});

test('a service and a method that do not exist are unimplemented', async () => {
  const method = client.method('Version/Version');
  for (const path of ['/no.such.Service/Method', '/containerd.services.version.v1.Version/NoSuch']) {
    await assert.rejects(daemon().call({ ...method, path }, {}), { code: UNIMPLEMENTED });
  }
});
