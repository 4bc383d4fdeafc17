import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { isBerthError } from '../../../src/domain/errors.js';
import type { EventDraft } from '../../../src/domain/records.js';
import { nowNanos } from '../../../src/domain/time.js';
import type { JournalItem } from '../../../src/store/journal.js';
import { Database } from '../../../src/store/database.js';
import { openStore, type Store } from '../../../src/store/store.js';

const keepEvents = 2000;
const keep = { events: keepEvents, bytes: 1e9, seconds: 1e9 };
let root: string;
let store: Store;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-store-'));
  store = await openStore({ root, keep });
});

afterEach(async () => {
  await store.close();
  await rm(root, { recursive: true });
});

function draft(topic: string): EventDraft {
  return { namespace: 'n', topic, timestamp: nowNanos(), event: { typeUrl: 't', value: new Uint8Array([1]) } };
}

async function take(items: AsyncGenerator<JournalItem>, count: number): Promise<JournalItem[]> {
  const taken: JournalItem[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

function numbers(items: readonly JournalItem[]): (bigint | string)[] {
  return items.map((item) =>
    'event' in item ? item.event.number : `gap ${item.gap.firstMissing}-${item.gap.lastMissing}`,
  );
}

const never = new AbortController().signal;

test('commits at the same time get numbers without gaps, in the order they came', async () => {
  const commits = Array.from({ length: 50 }, (_, index) => store.commit([], [draft(`/a/${index}`), draft('/b')]));
  const events = (await Promise.all(commits)).flat();
  assert.deepEqual(
    events.map((event) => event.number),
    Array.from({ length: 100 }, (_, index) => BigInt(index + 1)),
  );
  assert.equal(events[98]?.topic, '/a/49');
});

test('records and numbers survive closing and opening again', async () => {
  await store.commit([store.namespaces.put('x', { name: 'x', labels: { a: 'b' } })], [draft('/x')]);
  await store.close();
  store = await openStore({ root, keep });
  assert.deepEqual(await store.namespaces.get('x'), { name: 'x', labels: { a: 'b' } });
  const [event] = await store.commit([], [draft('/y')]);
  assert.equal(event?.number, 2n);
});

test('a reader that follows goes from the past into the present without a seam', async () => {
  await store.commit([], [draft('/1'), draft('/2')]);
  const reading = take(store.journal.read(0n, { follow: true, signal: never }), 4);
  await store.commit([], [draft('/3')]);
  await store.commit([], [draft('/4')]);
  assert.deepEqual(numbers(await reading), [1n, 2n, 3n, 4n]);
});

test('a reader that does not follow ends at the last event', async () => {
  await store.commit([], [draft('/1'), draft('/2')]);
  assert.deepEqual(numbers(await take(store.journal.read(1n, { follow: false, signal: never }), 9)), [2n]);
});

test('a reader far behind what memory keeps is served from the disk', async () => {
  for (let round = 0; round < 15; round++)
    await store.commit(
      [],
      Array.from({ length: 100 }, () => draft('/x')),
    );
  const items = await take(store.journal.read(3n, { follow: false, signal: never }), 5000);
  assert.equal(items.length, 1497);
  assert.deepEqual(numbers(items).slice(0, 2), [4n, 5n]);
});

test('a cursor before what retention kept is told its gap first', async () => {
  for (let round = 0; round < 40; round++)
    await store.commit(
      [],
      Array.from({ length: 100 }, () => draft('/x')),
    );
  const { first, last } = store.journal.head();
  assert.equal(last, 4000n);
  assert.ok(first > 1n && last - first + 1n >= BigInt(keepEvents), `kept from ${first}`);
  const items = await take(store.journal.read(0n, { follow: false, signal: never }), 2);
  assert.deepEqual(numbers(items), [`gap 1-${first - 1n}`, first]);
});

test('a reader goes past a number that the disk has lost, and is told of it', async () => {
  for (let count = 0; count < 5; count++) await store.commit([], [draft('/x')]);
  await store.close();
  const database = await Database.open(root);
  const key = (3).toString(16).padStart(16, '0');
  await database.write([{ type: 'del', sublevel: database.keyspace('journal'), key }]);
  await database.close();
  store = await openStore({ root, keep });
  const items = await take(store.journal.read(0n, { follow: false, signal: never }), 9);
  assert.deepEqual(numbers(items), [1n, 2n, 'gap 3-3', 4n, 5n]);
});

for (const [bound, narrow] of Object.entries({ bytes: { bytes: 1000 }, age: { seconds: 0 } })) {
  test(`retention by ${bound} keeps the newest event, and numbers go on`, async () => {
    for (let count = 0; count < 30; count++) await store.commit([], [draft('/old')]);
    await store.close();
    store = await openStore({ root, keep: { ...keep, ...narrow } });
    await store.commit([], [draft('/new')]);
    const { first, last } = store.journal.head();
    assert.equal(last, 31n);
    assert.ok(first > 20n && first <= 30n, `kept from ${first}`);
    const [gap] = await take(store.journal.read(0n, { follow: false, signal: never }), 1);
    assert.deepEqual(gap, { gap: { firstMissing: 1n, lastMissing: first - 1n } });
  });
}

test('a cursor beyond the end is out of range', async () => {
  const reading = take(store.journal.read(7n, { follow: true, signal: never }), 1);
  await assert.rejects(reading, (error) => isBerthError(error, 'out-of-range'));
});

test('aborting ends a reader that waits', async () => {
  const aborter = new AbortController();
  const reading = take(store.journal.read(0n, { follow: true, signal: aborter.signal }), 1);
  aborter.abort();
  assert.deepEqual(await reading, []);
});

test('a second store on the same root is refused and names the holder', async () => {
  await assert.rejects(openStore({ root, keep }), (error) => {
    return isBerthError(error, 'failed-precondition') && error.message.includes(`pid ${process.pid}`);
  });
});

test('a namespace’s records are listed without those of a namespace whose name it begins', async () => {
  const lease = (namespace: string) => ({ namespace, id: 'l', labels: {}, createdAt: 1n });
  await store.commit(['a', 'a-b', 'ab'].map((namespace) => store.leases.put(lease(namespace), lease(namespace))));
  const found: string[] = [];
  for await (const { namespace } of store.leases.list('a/')) found.push(namespace);
  assert.deepEqual(found, ['a']);
});

test('events that are too old or too many bytes are dropped, and the newest stays so that numbers go on', async () => {
  await store.commit(
    [],
    [
      { ...draft('/old'), timestamp: 1n },
      { ...draft('/old'), timestamp: 1n },
    ],
  );
  await store.close();
  store = await openStore({ root, keep: { events: keepEvents, bytes: 1, seconds: 60 } });
  await store.commit([], [draft('/new')]);
  assert.deepEqual(store.journal.head(), { first: 2n, last: 3n });
  await store.close();
  store = await openStore({ root, keep: { events: keepEvents, bytes: 1, seconds: 60 } });
  await store.commit([], [draft('/newer')]);
  assert.deepEqual(store.journal.head(), { first: 3n, last: 4n });
});
