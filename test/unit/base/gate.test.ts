import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deferred } from '../../../src/base/deferred.js';
import { Gate } from '../../../src/base/gate.js';

/** Work that notes when it begins and ends, and ends when told. */
function work(log: string[], name: string) {
  const end = new Deferred<void>();
  const run = async () => {
    log.push(`+${name}`);
    await end.promise;
    log.push(`-${name}`);
    return name;
  };
  return { run, end: () => end.resolve() };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('many share the gate, and one alone waits for them and keeps later ones out', async () => {
  const gate = new Gate();
  const log: string[] = [];
  const [a, b, alone, c] = ['a', 'b', 'alone', 'c'].map((name) => work(log, name));
  assert.ok(a && b && alone && c);
  const all = [gate.shared(a.run), gate.shared(b.run), gate.alone(alone.run), gate.shared(c.run)];
  await settle();
  assert.deepEqual(log, ['+a', '+b']);
  a.end();
  await settle();
  assert.deepEqual(log, ['+a', '+b', '-a']);
  b.end();
  await settle();
  assert.deepEqual(log.slice(3), ['-b', '+alone']);
  alone.end();
  await settle();
  assert.deepEqual(log.slice(5), ['-alone', '+c']);
  c.end();
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'alone', 'c']);
});

test('work that fails leaves the gate open', async () => {
  const gate = new Gate();
  const fail = async () => await Promise.reject(new Error('failed'));
  await assert.rejects(gate.alone(fail), /failed/);
  await assert.rejects(gate.shared(fail), /failed/);
  assert.equal(await gate.alone(async () => 'in'), 'in');
  assert.equal(await gate.shared(async () => 'in'), 'in');
});

test('two who want to be alone are so one after the other', async () => {
  const gate = new Gate();
  const log: string[] = [];
  const [a, b] = [work(log, 'a'), work(log, 'b')];
  const both = [gate.alone(a.run), gate.alone(b.run)];
  a.end();
  b.end();
  await Promise.all(both);
  assert.deepEqual(log, ['+a', '-a', '+b', '-b']);
});
