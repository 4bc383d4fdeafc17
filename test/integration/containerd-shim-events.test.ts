// The events that containerd gets from Berth's shim: those that it gets from its own for the same calls, in that order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { poll } from '../../src/base/deadline.js';
import type { Program } from '../helpers/program.js';
import { berthRuntime, goRuntime, useContainerd } from '../helpers/use-containerd.js';

const daemon = useContainerd();

interface Seen {
  readonly topic: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** `ctr events`, once it sees any. */
async function startEvents(): Promise<Program> {
  const events = daemon().startCtr(['events']);
  const probe = async () => {
    await daemon().ctr(['namespaces', 'create', `${daemon().namespace}-seen`]);
    await daemon().ctr(['namespaces', 'remove', `${daemon().namespace}-seen`]);
    return /\/namespaces\/create/.test(events.stdout) || undefined;
  };
  await poll(probe, { limitMs: 5_000, intervalMs: 20, what: 'ctr events to see anything' });
  return events;
}

/** What `ctr events` printed of the tasks of `id`. */
function seenOf(id: string, output: string): Seen[] {
  const lines = output.split('\n').filter((line) => line.includes(`"${id}"`) && line.includes(' /tasks/'));
  return lines.map((line) => {
    const [, topic = '', json = ''] = / (\/tasks\/\S+) (\{.*\})$/.exec(line) ?? [];
    return { topic, message: JSON.parse(json) };
  });
}

/** Everything that a container's life can hold, with a runtime. */
async function live(runtime: string, id: string): Promise<void> {
  const { rootfs } = daemon();
  const ctr = async (...args: string[]) => await daemon().ctr(args);
  await ctr('run', '-d', '--runtime', runtime, '--rootfs', rootfs, id, '/bin/sleep', '1000');
  await ctr('tasks', 'exec', '--exec-id', 'fails', id, '/bin/sh', '-c', 'exit 3');
  await ctr('tasks', 'exec', '--exec-id', 'missing', id, '/bin/no-such-program');
  await ctr('tasks', 'pause', id);
  await ctr('tasks', 'resume', id);
  const exec = daemon().startCtr(['tasks', 'exec', '--exec-id', 'lives', id, '/bin/sh', '-c', 'echo up; sleep 1000']);
  await exec.waitForOutput(/up/);
  await ctr('tasks', 'kill', '-s', 'SIGKILL', id);
  await exec.result();
  await daemon().call(TasksService.wait, { containerId: id, execId: '' });
  await ctr('tasks', 'rm', id);
  await ctr('containers', 'rm', id);
}

async function eventsOfLife(runtime: string, id: string): Promise<Seen[]> {
  const events = await startEvents();
  await live(runtime, id);
  await events.waitForOutput(/\/containers\/delete/);
  events.signal('SIGKILL');
  await events.result();
  return seenOf(id, events.stdout);
}

/** What must be alike: not pids, times and paths. */
function shape({ topic, message }: Seen, id: string): object {
  const fields = Object.keys(message).toSorted();
  const { exec_id: exec, id: process, exit_status: status } = message;
  return { topic, fields, exec, process: process === id ? 'init' : process, status };
}

test('a life gives the same events, in the same order, with the same fields, as with the Go shim', async () => {
  const expected = await eventsOfLife(goRuntime, 'go');
  const actual = await eventsOfLife(berthRuntime, 'berth');
  assert.deepEqual(
    actual.map((seen) => shape(seen, 'berth')),
    expected.map((seen) => shape(seen, 'go')),
  );
  assert.deepEqual(
    [actual[0]?.topic, ...actual.slice(-3).map(({ topic }) => topic)],
    ['/tasks/create', '/tasks/exit', '/tasks/exit', '/tasks/delete'],
  );
  const pids = [0, 1, -2, -1].map((index) => actual.at(index)?.message['pid']);
  assert.deepEqual(pids, Array(4).fill(pids[0]));
});

test('a short life gives its start before its exit, every time', async () => {
  const events = await startEvents();
  const ids = Array.from({ length: 5 }, (_none, index) => `short${index}`);
  await Promise.all(
    ids.map(async (id) => {
      const run = ['run', '--rm', '--runtime', berthRuntime, '--rootfs', daemon().rootfs, id, '/bin/true'];
      assert.equal((await daemon().ctr(run)).code, 0);
    }),
  );
  const done = () => ids.every((id) => seenOf(id, events.stdout).length === 4) || undefined;
  await poll(done, { limitMs: 5_000, intervalMs: 20, what: 'the events of every container' });
  events.signal('SIGKILL');
  await events.result();
  const order = ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete'];
  for (const id of ids)
    assert.deepEqual(
      seenOf(id, events.stdout).map(({ topic }) => topic),
      order,
    );
});
