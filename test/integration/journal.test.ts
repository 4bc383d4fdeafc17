// berth.v1.Events and `berth events`: cursors, times, filters, what retention has removed, and who stops reading.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { EventsService, type JournalEntry, type SubscribeRequest } from '../../src/generated/berth/v1/events.js';
import { EventsService as ContainerdEvents } from '../../src/generated/containerd/services/events/v1/events.js';
import type { Timestamp } from '../../src/generated/google/protobuf/timestamp.js';
import { metadataFor } from '../helpers/rpc.js';
import { useBerthd } from '../helpers/use-berthd.js';

const keptEvents = 1000;
/** Retention waits until so many more are there. */
const slackEvents = 1000;
const publishersAtOnce = 50;
const limitMs = 30_000;

const daemon = useBerthd({ config: `journal_events = ${keptEvents}\n` });

/** Publishes `count` events of `topic`, many at once. */
async function publish(topic: string, count: number, bytes = 0): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const event = { typeUrl: 'test', value: Buffer.alloc(bytes) };
      await daemon().call(ContainerdEvents.publish, { topic, event });
    }
  };
  await Promise.all(Array.from({ length: Math.min(publishersAtOnce, count) }, work));
}

function request(fields: Partial<SubscribeRequest>): SubscribeRequest {
  return { after: 0n, since: undefined, filters: [], follow: false, ...fields };
}

/** A whole replay. */
async function replay(fields: Partial<SubscribeRequest>): Promise<readonly JournalEntry[]> {
  const stream = daemon().stream(EventsService.subscribe, request(fields));
  assert.equal(await stream.ended, undefined);
  return stream.received;
}

function topics(entries: readonly JournalEntry[]): string[] {
  return entries.map(({ entry }) => (entry?.$case === 'event' ? entry.value.topic : 'gap'));
}

function numbers(entries: readonly JournalEntry[]): bigint[] {
  return entries.map(({ entry }) => (entry?.$case === 'event' ? entry.value.number : 0n));
}

function range(first: bigint, last: bigint): bigint[] {
  return Array.from({ length: Number(last - first) + 1 }, (_, index) => first + BigInt(index));
}

function timestampNow(): Timestamp {
  const now = Date.now();
  return { seconds: BigInt(Math.floor(now / 1000)), nanos: (now % 1000) * 1_000_000 };
}

async function lastNumber(): Promise<bigint> {
  return (await daemon().call(EventsService.head, {})).last;
}

test('a replay begins after a number or at a time, has what a filter selects, and ends', async () => {
  const before = await lastNumber();
  await publish('/seen/one', 1);
  await sleep(5);
  const since = timestampNow();
  await sleep(5);
  await publish('/seen/two', 1);
  await publish('/seen/three', 1);
  assert.deepEqual(topics(await replay({ after: before })), ['/seen/one', '/seen/two', '/seen/three']);
  assert.deepEqual(topics(await replay({ after: before + 2n })), ['/seen/three']);
  assert.deepEqual(topics(await replay({ since })), ['/seen/two', '/seen/three']);
  assert.deepEqual(topics(await replay({ since, filters: ['topic=="/seen/three"', 'topic=="/none"'] })), [
    '/seen/three',
  ]);
  const { stdout } = await daemon().berth(['events', '--after', String(before), '--no-follow', '-o', 'json']);
  assert.deepEqual(
    stdout.match(/"topic":"[^"]+"/g),
    ['one', 'two', 'three'].map((name) => `"topic":"/seen/${name}"`),
  );
});

test('a follower goes from the past into the present without a seam while others publish', async () => {
  const before = await lastNumber();
  const publishing = publish('/seam/x', 600);
  await poll(async () => (await lastNumber()) > before + 50n || undefined, {
    limitMs,
    intervalMs: 1,
    what: 'events to follow',
  });
  const stream = daemon().stream(EventsService.subscribe, request({ after: before, follow: true }), { limitMs });
  await publishing;
  const last = await lastNumber();
  await poll(() => stream.received.length >= Number(last - before) || undefined, {
    limitMs,
    intervalMs: 10,
    what: 'all of them',
  });
  stream.cancel();
  await stream.ended;
  assert.deepEqual(numbers(stream.received), range(before + 1n, last));
});

test('a subscriber that stops reading holds up nobody, and misses nothing', async () => {
  const before = await lastNumber();
  const count = 600;
  const slow = daemon().client.makeServerStreamRequest(
    EventsService.subscribe.path,
    EventsService.subscribe.requestSerialize,
    EventsService.subscribe.responseDeserialize,
    request({ after: before, follow: true }),
    metadataFor({ namespace: daemon().namespace }),
  );
  slow.on('error', () => undefined);
  slow.pause();
  const quick = daemon().stream(EventsService.subscribe, request({ after: before, follow: true }), { limitMs });
  // Far more than what the connection and the client hold for a reader that waits.
  await publish('/slow/x', count, 16 * 1024);
  await poll(() => quick.received.length === count || undefined, { limitMs, intervalMs: 10, what: 'the quick one' });
  quick.cancel();
  await quick.ended;
  const received: JournalEntry[] = [];
  slow.on('data', (entry: JournalEntry) => received.push(entry));
  slow.resume();
  await poll(() => received.length === count || undefined, { limitMs, intervalMs: 10, what: 'the slow one' });
  slow.cancel();
  assert.deepEqual(numbers(received), range(before + 1n, before + BigInt(count)));
});

test('subscribers that stop reading cost the daemon a bounded memory', async () => {
  const subscribers = 16;
  const count = 1000;
  const eventBytes = 64 * 1024;
  const before = await lastNumber();
  const slow = Array.from({ length: subscribers }, () => {
    // A connection each, whose window then fills.
    const client = new Client(`unix:${daemon().socket}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    const stream = client.makeServerStreamRequest(
      EventsService.subscribe.path,
      EventsService.subscribe.requestSerialize,
      EventsService.subscribe.responseDeserialize,
      request({ after: before, follow: true }),
      metadataFor({ namespace: daemon().namespace }),
    );
    stream.on('error', () => undefined);
    stream.pause();
    return { client, stream };
  });
  const served = slow.map(({ stream }) => once(stream, 'metadata'));
  await publish('/heavy/first', 1);
  await Promise.all(served);
  const residentBefore = residentBytes(daemon().pid);
  await publish('/heavy/x', count, eventBytes);
  const grown = residentBytes(daemon().pid) - residentBefore;
  for (const { client, stream } of slow) {
    stream.cancel();
    client.close();
  }
  // Were all of it kept for each of them, it would be a gibibyte.
  const all = subscribers * count * eventBytes;
  assert.ok(
    grown < all / 3,
    `${Math.round(grown / 2 ** 20)} MiB for ${Math.round(all / 2 ** 20)} MiB that nobody read`,
  );
});

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

test('a cursor that retention has overtaken is told its gap, by the API and by berth events', async () => {
  await publish('/old/x', keptEvents + slackEvents);
  const { first, last } = await daemon().call(EventsService.head, {});
  assert.ok(first > 1n && last - first + 1n >= BigInt(keptEvents), `kept from ${first} to ${last}`);
  const [gap, ...rest] = await replay({ after: 0n });
  assert.deepEqual(gap?.entry, { $case: 'gap', value: { firstMissing: 1n, lastMissing: first - 1n } });
  assert.deepEqual(numbers(rest), range(first, last));
  const { stdout } = await daemon().berth(['events', '--after', '0', '--no-follow']);
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines[0], `1-${first - 1n} gap: these events are no longer kept`);
  assert.equal(lines.length, 1 + Number(last - first) + 1);
});
