// What is kept, and for how long, as the configuration says: exits by their age, events by age and by size.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { type Event, EventsService } from '../../src/generated/berth/v1/events.js';
import { ExitsService } from '../../src/generated/berth/v1/exits.js';
import { EventsService as ContainerdEvents } from '../../src/generated/containerd/services/events/v1/events.js';
import { removeContainer, runContainer, waitForExit } from '../helpers/containers.js';
import { useBerthd } from '../helpers/use-berthd.js';

const journalBytes = 1024 * 1024;
const daemon = useBerthd({
  config: `exit_retention_seconds = 2\njournal_seconds = 3600\njournal_bytes = ${journalBytes}\n`,
});

const limitMs = 30_000;

async function head() {
  return await daemon().call(EventsService.head, {});
}

async function publish(topic: string, count: number, bytes = 0): Promise<void> {
  const event = { typeUrl: 'test', value: Buffer.alloc(bytes) };
  for (let left = count; left > 0; left--) await daemon().call(ContainerdEvents.publish, { topic, event });
}

/** Age and size are looked at by the first commit of a daemon, and then once a minute. */
async function trim(): Promise<void> {
  await daemon().restart();
  await publish('/occasion', 1);
}

async function replay(): Promise<{ readonly events: Event[]; readonly gaps: number }> {
  const request = { after: 0n, since: undefined, filters: [], follow: false };
  const stream = daemon().stream(EventsService.subscribe, request);
  assert.equal(await stream.ended, undefined);
  const events = stream.received.flatMap(({ entry }) => (entry?.$case === 'event' ? [entry.value] : []));
  return { events, gaps: stream.received.length - events.length };
}

test('an exit goes when its time is over', async () => {
  await runContainer(daemon(), 'short', ['/bin/sh', '-c', 'exit 3']);
  assert.equal(await waitForExit(daemon(), 'short'), 3);
  await removeContainer(daemon(), 'short');
  const isGone = async () => (await daemon().call(ExitsService.list, { filters: [] })).exits.length === 0 || undefined;
  await poll(isGone, { limitMs, intervalMs: 100, what: 'the end of what is kept' });
  await assert.rejects(daemon().call(ExitsService.get, { containerId: 'short', execId: '' }), /no exit of .* is kept/);
});

test('events that are too old go, the oldest first, and a cursor is told of the gap', async () => {
  const { last } = await head();
  const hours = 2;
  const seconds = BigInt(Math.floor(Date.now() / 1000) - hours * 3600);
  for (let count = 0; count < 3; count++) {
    const envelope = {
      timestamp: { seconds, nanos: 0 },
      namespace: daemon().namespace,
      topic: '/old',
      event: { typeUrl: 'test', value: Buffer.alloc(0) },
    };
    await daemon().call(ContainerdEvents.forward, { envelope });
  }
  await publish('/new', 2);
  await trim();
  const { events, gaps } = await replay();
  assert.deepEqual(
    events.map(({ topic }) => topic),
    ['/new', '/new', '/occasion'],
  );
  assert.equal(events[0]?.number, last + 4n);
  assert.equal(gaps, 1);
});

test('events that are too many bytes go, the oldest first, and numbers go on', async () => {
  const { last } = await head();
  const count = 40;
  const eventBytes = 64 * 1024;
  await publish('/large', count, eventBytes);
  await trim();
  const { events } = await replay();
  const kept = events.length - 1;
  assert.ok(kept > 1 && kept * eventBytes < journalBytes, `${kept} large events are kept`);
  assert.deepEqual(
    events.map(({ number }) => number),
    events.map((_event, index) => last + BigInt(count - kept + 1 + index)),
  );
});
