// When the collector runs, seen by how often it asks for the snapshots' files to be swept.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { poll } from '../../../../src/base/deadline.js';
import { Deferred } from '../../../../src/base/deferred.js';
import type { Log } from '../../../../src/base/log.js';
import { isBerthError } from '../../../../src/domain/errors.js';
import { GarbageCollector } from '../../../../src/images/gc/garbage-collector.js';
import type { SnapshotNode } from '../../../../src/images/gc/snapshot-source.js';
import { closeImageStorage, type ImageStorage, openImageStorage } from '../../../../src/images/image-storage.js';
import { openStore, type Store } from '../../../../src/store/store.js';

const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => log };

function nothing(): void {}

let root: string;
let store: Store;
let storage: ImageStorage;
let sweeps: number;
let onSweep: () => Promise<void>;

const source = {
  async *list(): AsyncGenerator<SnapshotNode> {},
  async remove(): Promise<void> {},
  async sweep(): Promise<void> {
    sweeps++;
    await onSweep();
  },
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-gc-'));
  store = await openStore({ root, keep: { events: 2000, bytes: 1e9, seconds: 1e9 } });
  storage = await openImageStorage({ root, store, log, garbage: { delayMs: 0, intervalMs: 60_000 } });
  sweeps = 0;
  onSweep = async () => undefined;
});

afterEach(async () => {
  await closeImageStorage(storage);
  await store.close();
  await rm(root, { recursive: true });
});

function collector(delayMs: number, intervalMs: number): GarbageCollector {
  const made = new GarbageCollector(storage, { delayMs, intervalMs });
  made.addSnapshots(source);
  return made;
}

async function untilSwept(times: number): Promise<void> {
  const what = `${times} collections`;
  await poll(() => sweeps >= times || undefined, { limitMs: 5000, intervalMs: 1, what });
}

test('nothing is collected before the start, and once soon after it', async () => {
  const made = collector(1, 60_000);
  made.schedule();
  made.start();
  await untilSwept(1);
  await made.stop();
  assert.equal(sweeps, 1);
});

test('many removals in a row ask for one collection', async () => {
  const made = collector(20, 60_000);
  made.start();
  for (let removal = 0; removal < 100; removal++) made.schedule();
  await untilSwept(1);
  await made.stop();
  assert.equal(sweeps, 1);
});

test('collections come again without being asked for', async () => {
  const made = collector(1, 5);
  made.start();
  await untilSwept(3);
  await made.stop();
});

test('who asks while a collection runs gets one that began afterwards, and shares it', async () => {
  const made = collector(60_000, 60_000);
  const open = new Deferred<void>();
  onSweep = () => open.promise;
  const first = made.collect();
  await untilSwept(1);
  const second = made.collect();
  const third = made.collect();
  assert.equal(sweeps, 1);
  open.resolve();
  await Promise.all([first, second, third]);
  assert.equal(sweeps, 2);
});

test('a collection that fails is told to who asked for it, and does not stop later ones', async () => {
  const made = collector(60_000, 60_000);
  onSweep = async () => await Promise.reject(new Error('disk on fire'));
  await assert.rejects(made.collect(), /disk on fire/);
  onSweep = async () => undefined;
  await made.collect();
  assert.equal(sweeps, 2);
});

test('after the stop nothing is collected', async () => {
  const made = collector(1, 1);
  made.start();
  await untilSwept(1);
  await made.stop();
  const before = sweeps;
  await assert.rejects(made.collect(), (error) => isBerthError(error, 'unavailable'));
  made.schedule();
  assert.equal(sweeps, before);
});
