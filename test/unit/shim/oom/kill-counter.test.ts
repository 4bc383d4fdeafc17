import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poll } from '../../../../src/base/deadline.js';
import { killCounterOf, v1KillCounter, v2KillCounter } from '../../../../shim/oom/kill-counter.js';
import { RecordedCgroup } from '../../../helpers/recorded-cgroup.js';

const limits = { limitMs: 10_000, intervalMs: 1 };

test('v1 counts each group alone, so those below are added', () => {
  using tree = new RecordedCgroup('v1-linux-6.18');
  const counter = v1KillCounter(tree.path('memory'));
  assert.equal(counter.read(), 1n);
  const control = (kills: number) => `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`;
  tree.write('memory/inner/memory.oom_control', control(2));
  tree.write('memory/inner/most/memory.oom_control', control(4));
  assert.equal(counter.read(), 7n);
  tree.remove('memory');
  assert.equal(counter.read(), undefined);
});

test('v2 counts the group with those below, and a change of the file is a sign', async () => {
  using tree = new RecordedCgroup('v2-linux-6.1');
  const counter = v2KillCounter(tree.directory);
  assert.equal(counter.read(), 1n);
  let signs = 0;
  const watcher = counter.watch(() => signs++);
  tree.write('memory.events', 'low 0\nhigh 0\nmax 23\noom 2\noom_kill 2\noom_group_kill 0\n');
  await poll(() => (signs > 0 ? true : undefined), { ...limits, what: 'a sign' });
  assert.equal(counter.read(), 2n);
  watcher.close();
});

test('the counter is where the memory controller is', () => {
  using v1 = new RecordedCgroup('v1-linux-6.18');
  using v2 = new RecordedCgroup('v2-linux-6.1');
  const memory = new Map([['memory', v1.path('memory')]]);
  assert.equal(killCounterOf({ controllers: memory, unified: undefined })?.read(), 1n);
  v2.write('memory.events', 'oom_kill 9\n');
  assert.equal(killCounterOf({ controllers: new Map(), unified: v2.directory })?.read(), 9n);
  // A hybrid host, whose unified hierarchy has no controllers.
  assert.equal(killCounterOf({ controllers: memory, unified: v1.directory })?.read(), 1n);
  assert.equal(killCounterOf({ controllers: new Map(), unified: v1.directory }), undefined);
});

test('a host that gives no sign says so', () => {
  using v1 = new RecordedCgroup('v1-linux-6.18');
  // No kernel behind these files: nothing that an eventfd could be registered with.
  v1.remove('memory/memory.oom_control');
  assert.throws(() => v1KillCounter(v1.path('memory')).watch(() => undefined), { code: 'ENOENT' });
  assert.throws(() => v2KillCounter(v1.directory).watch(() => undefined), { code: 'ENOENT' });
});
