// The services of proto/ at run time, and requests written as JSON.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonFromResponse } from '../../../../src/cli/api/json-from-response.js';
import { requestFromJson } from '../../../../src/cli/api/request-from-json.js';
import { loadApiSchema, methodName } from '../../../../src/cli/api/schema.js';
import { specTypeUrl } from '../../../../src/cli/spec/oci.js';

const schema = loadApiSchema();

function request(method: string, value: unknown): Record<string, unknown> {
  const { service, requestType } = schema.findMethod(method);
  const message = schema.findMessage(requestType, service);
  assert.ok(message !== undefined);
  return requestFromJson(schema, message, value);
}

test('services that only shims speak are not listed', () => {
  const names = schema.methods.map(methodName);
  assert.ok(names.includes('containerd.services.tasks.v1.Tasks/Create'));
  assert.ok(names.includes('berth.v1.Events/Subscribe'));
  assert.ok(!names.some((name) => name.startsWith('containerd.task.') || name.startsWith('berth.shim.')));
});

test('a method is found by its full name, with a leading slash, and by a short one', () => {
  const full = 'containerd.services.tasks.v1.Tasks/Kill';
  for (const name of [full, `/${full}`, 'Tasks/Kill', 'tasks.v1.Tasks/Kill']) {
    assert.equal(methodName(schema.findMethod(name)), full);
  }
});

for (const [name, message] of [
  ['Tasks', /not of the form SERVICE\/METHOD/],
  ['a/b/c', /not of the form SERVICE\/METHOD/],
  ['Frobs/List', /unknown service "Frobs"/],
  ['Tasks/Frob', /unknown method "Tasks\/Frob"/],
  ['Events/Subscribe', /may be berth\.v1\.Events\/Subscribe or containerd\.services\.events\.v1\.Events\/Subscribe/],
] as const) {
  test(`${name} is no method`, () => {
    assert.throws(() => schema.findMethod(name), { name: 'UsageError', message });
  });
}

test('the request type of every method is found in the folder', () => {
  for (const { service, requestType } of schema.methods) {
    assert.ok(schema.findMessage(requestType, service), `${service} ${requestType}`);
  }
});

test('fields may be written as in the proto file or in camel case', () => {
  assert.deepEqual(request('Tasks/Kill', { container_id: 'a', execId: 'b', signal: '9', all: true }), {
    containerId: 'a',
    execId: 'b',
    signal: '9',
    all: true,
  });
});

test('keys of a map are left as they are, and null is nothing', () => {
  assert.deepEqual(request('Containers/Create', { container: { labels: { a_b: 'c' }, spec: null } }), {
    container: { labels: { a_b: 'c' } },
  });
});

test('an Any is encoded by its type', () => {
  const { container } = request('Containers/Create', {
    container: {
      spec: { '@type': specTypeUrl, root: { path: 'r' } },
      extensions: { x: { '@type': 'unknown.Type', value: 'aGk=' } },
    },
  });
  assert.deepEqual(container, {
    spec: { type_url: specTypeUrl, value: Buffer.from('{"root":{"path":"r"}}') },
    extensions: { x: { type_url: 'unknown.Type', value: Buffer.from('hi') } },
  });
});

test('times and field masks are written as in the JSON of protobuf', () => {
  assert.deepEqual(
    request('Containers/Update', { container: { created_at: '1970-01-01T00:00:05.25Z' }, updateMask: 'a,b' }),
    {
      container: { createdAt: { seconds: 5, nanos: 250_000_000 } },
      updateMask: { paths: ['a', 'b'] },
    },
  );
});

for (const [method, value, message] of [
  ['Tasks/Kill', [], /KillRequest must be an object/],
  ['Tasks/Kill', { signalx: 1 }, /KillRequest has no field "signalx"; it has containerId, execId, signal, all/],
  ['Version/Version', { x: 1 }, /Empty has no field "x"; it has none/],
  ['Tasks/Kill', { containerId: 5 }, /KillRequest\.containerId must be a string/],
  ['Tasks/Kill', { signal: 'nine' }, /signal must be a whole number/],
  ['Tasks/Kill', { signal: 1.5 }, /signal must be a whole number/],
  ['Tasks/Kill', { all: 1 }, /all must be true or false/],
  ['Containers/List', { filters: 'x' }, /filters must be an array/],
  ['Containers/List', { filters: [1] }, /filters\[0\] must be a string/],
  ['Containers/Create', { container: { labels: { a: 1 } } }, /labels\["a"\] must be a string/],
  ['Containers/Create', { container: { spec: { x: 1 } } }, /spec needs its type in "@type"/],
  [
    'Containers/Create',
    { container: { spec: { '@type': 'no.Type', x: 1 } } },
    /spec: cannot encode a value of type no\.Type/,
  ],
  ['Containers/Create', { container: { created_at: 'today' } }, /createdAt must be a time/],
] as const) {
  test(`${method} with ${JSON.stringify(value)} is refused`, () => {
    assert.throws(() => request(method, value), { name: 'UsageError', message });
  });
}

test('a request goes over the wire and back as it was', () => {
  const { definition } = schema.findMethod('Containers/Create');
  const value = {
    container: { id: 'x', labels: { a: 'b' }, spec: { '@type': specTypeUrl, a: 1 }, createdAt: '2026-01-02T03:04:05Z' },
  };
  const bytes = definition.requestSerialize(request('Containers/Create', value));
  assert.deepEqual(jsonFromResponse(definition.requestDeserialize(bytes)), {
    container: {
      id: 'x',
      labels: { a: 'b' },
      image: '',
      runtime: null,
      spec: { '@type': specTypeUrl, a: 1 },
      snapshotter: '',
      snapshotKey: '',
      createdAt: '2026-01-02T03:04:05.000000000Z',
      updatedAt: null,
      extensions: {},
      sandbox: '',
    },
  });
});
