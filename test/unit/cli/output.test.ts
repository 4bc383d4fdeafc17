// Tables, ages and JSON values.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAge } from '../../../src/cli/age.js';
import { decodeAny, encodeAny, jsonAny } from '../../../src/cli/any-types.js';
import { jsonFromMessage, jsonFromTimestamp } from '../../../src/cli/json-value.js';
import { specTypeUrl } from '../../../src/cli/spec/oci.js';
import { formatLabels, formatTable, printable, shorten } from '../../../src/cli/table.js';
import { TaskExit } from '../../../src/generated/containerd/events/task.js';

test('a table has aligned columns, no borders, no colours and no trailing spaces', () => {
  const table = formatTable(
    ['ID', 'STATUS', 'EXIT'],
    [
      ['a', 'running', ''],
      ['longer', 'x', '0'],
    ],
  );
  assert.equal(table, 'ID       STATUS    EXIT\na        running   -\nlonger   x         0\n');
});

test('an empty table is its header', () => {
  assert.equal(formatTable(['ID', 'PID'], []), 'ID   PID\n');
});

test('control characters in a cell are shown and not sent to the terminal', () => {
  assert.equal(formatTable(['A'], [['\u001b[31mred\nline']]), 'A\n\\u001b[31mred\\nline\n');
  assert.equal(printable('tab\there é'), 'tab\\there é');
});

test('what is too long is shortened', () => {
  assert.equal(shorten('abcdef', 6), 'abcdef');
  assert.equal(shorten('abcdefg', 6), 'abcde…');
});

test('labels are one cell in the order of their keys', () => {
  assert.equal(formatLabels({ b: '2', a: '1' }), 'a=1,b=2');
  assert.equal(formatLabels({}), '');
});

for (const [seconds, text] of [
  [-5, '0s'],
  [0.9, '0s'],
  [119, '119s'],
  [120, '2m'],
  [150, '2m30s'],
  [200, '3m'],
  [7199, '119m'],
  [7200, '2h'],
  [9000, '2h30m'],
  [86_400, '24h'],
  [180_000, '2d2h'],
  [864_000, '10d'],
] as const) {
  test(`${seconds} seconds are ${text}`, () => assert.equal(formatAge(seconds), text));
}

test('times keep their nanoseconds, and the zero time of Go is none', () => {
  assert.equal(jsonFromTimestamp({ seconds: 1_700_000_000n, nanos: 1 }), '2023-11-14T22:13:20.000000001Z');
  assert.equal(jsonFromTimestamp({ seconds: -62_135_596_800n, nanos: 0 }), null);
  assert.equal(jsonFromTimestamp(undefined), null);
});

test('a message becomes JSON: integers exact, bytes base64, times RFC 3339, what is undefined left out', () => {
  const message = {
    small: 5n,
    big: 2n ** 60n,
    bytes: Buffer.from('hi'),
    time: { seconds: 0n, nanos: 5 },
    none: undefined,
    list: [{ a: 1 }],
  };
  assert.deepEqual(jsonFromMessage(message), {
    small: 5,
    big: '1152921504606846976',
    bytes: 'aGk=',
    time: '1970-01-01T00:00:00.000000005Z',
    list: [{ a: 1 }],
  });
});

test('an event inside an Any is decoded', () => {
  const exit = TaskExit.fromPartial({ containerId: 'c', id: 'c', pid: 7, exitStatus: 3, exitedAt: { seconds: 1n } });
  const any = { typeUrl: 'containerd.events.TaskExit', value: Buffer.from(TaskExit.encode(exit).finish()) };
  assert.deepEqual(jsonFromMessage(any), {
    '@type': 'containerd.events.TaskExit',
    containerId: 'c',
    id: 'c',
    pid: 7,
    exitStatus: 3,
    exitedAt: '1970-01-01T00:00:01.000000000Z',
  });
});

test('a type url may have a host in front', () => {
  const value = Buffer.from(TaskExit.encode(TaskExit.fromPartial({ pid: 7 })).finish());
  const decoded = decodeAny({ typeUrl: 'type.googleapis.com/containerd.events.TaskExit', value });
  assert.equal((decoded as TaskExit).pid, 7);
});

test('a spec inside an Any is JSON', () => {
  assert.deepEqual(decodeAny(jsonAny(specTypeUrl, { a: [1] })), { a: [1] });
});

test('what cannot be decoded is shown as its bytes', () => {
  const value = Buffer.from([255, 255]);
  for (const typeUrl of [
    'unknown.Type',
    'containerd.events.TaskExit',
    'containerd.events.constructor',
    specTypeUrl,
    '',
  ]) {
    assert.deepEqual(jsonFromMessage({ typeUrl, value }), { '@type': typeUrl, value: '//8=' });
  }
});

test('an Any is encoded by its type, and an unknown type is refused', () => {
  const any = encodeAny('containerd.events.TaskExit', { pid: 9 });
  assert.equal(TaskExit.decode(any.value).pid, 9);
  assert.throws(() => encodeAny('unknown.Type', {}), { kind: 'invalid-argument' });
});
