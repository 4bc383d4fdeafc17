// `ctr events` and Events/Subscribe: which events come, in which order, to whom.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { TaskCreate, TaskDelete, TaskExit, TaskStart } from '../../src/generated/containerd/events/task.js';
import { EventsService } from '../../src/generated/containerd/services/events/v1/events.js';
import { isContainerd } from '../helpers/daemon.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

const taskTopics = ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete'];

async function run(id: string, ...command: string[]) {
  return await daemon().ctr(['run', '--rm', '--rootfs', daemon().rootfs, id, ...command]);
}

/** A subscription of `filters`, once the daemon delivers on it. */
async function subscribe(...filters: string[]) {
  const stream = daemon().stream(EventsService.subscribe, { filters });
  const marker = `/marker/${filters.length}`;
  // The call gives no sign that it is set up, so an event of our own does.
  const all = daemon().stream(EventsService.subscribe, { filters: [`topic=="${marker}"`] });
  await poll(
    async () => {
      await daemon().call(EventsService.publish, {
        topic: marker,
        event: { typeUrl: 'marker', value: Buffer.alloc(0) },
      });
      return all.received.length > 0 || undefined;
    },
    { limitMs: 5_000, intervalMs: 20, what: 'the subscription' },
  );
  all.cancel();
  return stream;
}

async function waitForTopics(received: readonly { readonly topic: string }[], count: number): Promise<string[]> {
  await poll(() => received.length >= count || undefined, { limitMs: 5_000, intervalMs: 10, what: `${count} events` });
  return received.map(({ topic }) => topic);
}

test('ctr events shows a run from create to delete, with topics and fields', async () => {
  const events = daemon().startCtr(['events']);
  await poll(
    async () => {
      await daemon().ctr(['namespaces', 'create', `${daemon().namespace}-seen`]);
      await daemon().ctr(['namespaces', 'remove', `${daemon().namespace}-seen`]);
      return /\/namespaces\/create/.test(events.stdout) || undefined;
    },
    { limitMs: 5_000, intervalMs: 20, what: 'ctr events to see anything' },
  );
  await run('seen', '/bin/sh', '-c', 'exit 3');
  await events.waitForOutput(/\/containers\/delete/);
  events.signal('SIGKILL');
  await events.result();
  const lines = events.stdout.split('\n').filter((line) => line.includes('"seen"'));
  const topics = lines.map((line) => / (\/\w+\/\w+) /.exec(line)?.[1]);
  assert.deepEqual(topics, ['/containers/create', ...taskTopics, '/containers/delete']);
  for (const line of lines) assert.match(line, new RegExp(`^\\d{4}-\\d\\d-\\d\\d .* ${daemon().namespace} /`));
  const fields = JSON.parse(/\{.*\}/.exec(lines[3] ?? '')?.[0] ?? '');
  assert.equal(fields.container_id, 'seen');
  assert.equal(fields.exit_status, 3);
  assert.ok(fields.pid > 1);
});

test('the events of a task carry its pid, its bundle and its exit', async () => {
  const stream = await subscribe('topic~=^/tasks/');
  await run('detail', '/bin/sh', '-c', 'exit 9');
  assert.deepEqual(await waitForTopics(stream.received, 4), taskTopics);
  stream.cancel();
  const value = (index: number) => stream.received[index]?.event?.value ?? assert.fail('no event');
  const create = TaskCreate.decode(value(0));
  const start = TaskStart.decode(value(1));
  const exit = TaskExit.decode(value(2));
  const deleted = TaskDelete.decode(value(3));
  assert.equal(create.containerId, 'detail');
  assert.match(create.bundle, /detail$/);
  assert.notEqual(create.io?.stdout, '');
  for (const { pid } of [create, start, exit, deleted]) assert.equal(pid, create.pid);
  assert.deepEqual([exit.id, exit.exitStatus, deleted.exitStatus], ['detail', 9, 9]);
  assert.deepEqual(deleted.exitedAt, exit.exitedAt);
  for (const envelope of stream.received) assert.equal(envelope.namespace, daemon().namespace);
});

test('the events of an exec come between, and the exit of init comes last', async () => {
  const stream = await subscribe('topic~=^/tasks/');
  await daemon().ctr(['run', '-d', '--rootfs', daemon().rootfs, 'order', '/bin/sh', '-c', 'read line']);
  await daemon().ctr(['tasks', 'exec', '--exec-id', 'e1', 'order', '/bin/sh', '-c', 'exit 4']);
  await daemon().ctr(['tasks', 'rm', '--force', 'order']);
  const expected = [
    ...['/tasks/create', '/tasks/start', '/tasks/exec-added', '/tasks/exec-started', '/tasks/exit'],
    ...['/tasks/exit', '/tasks/delete'],
  ];
  assert.deepEqual(await waitForTopics(stream.received, 7), expected);
  stream.cancel();
  const exits = stream.received.filter(({ topic }) => topic === '/tasks/exit');
  const ids = exits.map(({ event }) => TaskExit.decode(event?.value ?? new Uint8Array()).id);
  assert.deepEqual(ids, ['e1', 'order']);
  await daemon().ctr(['containers', 'rm', 'order']);
});

test('a filter selects by topic and by field', async () => {
  const starts = await subscribe('topic=="/tasks/start"');
  const either = await subscribe('event.container_id==chosen', 'topic=="/tasks/delete"');
  await run('other', '/bin/true');
  await run('chosen', '/bin/true');
  await waitForTopics(starts.received, 2);
  const topics = await waitForTopics(either.received, 5);
  starts.cancel();
  either.cancel();
  assert.deepEqual(
    starts.received.map(({ topic }) => topic),
    ['/tasks/start', '/tasks/start'],
  );
  assert.deepEqual(topics, ['/tasks/delete', ...taskTopics]);
});

test('a filter that does not parse is an invalid argument', async () => {
  const stream = daemon().stream(EventsService.subscribe, { filters: ['topic=='] });
  // containerd 1.6 forgets to map this one, and answers UNKNOWN; 2.x does not.
  assert.equal((await stream.ended)?.code, isContainerd ? 2 : 3);
});

test('a subscriber that went away disturbs nobody', async () => {
  const gone = await subscribe('topic~=^/tasks/');
  gone.cancel();
  assert.equal((await gone.ended)?.code, 1);
  const stays = await subscribe('topic~=^/tasks/');
  await run('after', '/bin/true');
  assert.deepEqual(await waitForTopics(stays.received, 4), taskTopics);
  stays.cancel();
});

test('a published event reaches the subscribers of its namespace with its value', async () => {
  const stream = await subscribe('topic=="/my/topic"');
  const value = Buffer.from('any bytes');
  await daemon().call(EventsService.publish, { topic: '/my/topic', event: { typeUrl: 'my.Type', value } });
  await waitForTopics(stream.received, 1);
  stream.cancel();
  const [envelope] = stream.received;
  assert.equal(envelope?.event?.typeUrl, 'my.Type');
  assert.deepEqual(Buffer.from(envelope?.event?.value ?? []), value);
});
