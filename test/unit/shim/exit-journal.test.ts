import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ExitJournal } from '../../../shim/exit-journal.js';
import type { Log } from '../../../src/base/log.js';
import { parseExitJournal, parseJournal } from '../../../src/domain/exit-journal.js';

const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => assert.fail('the journal complained'),
  child: () => log,
};

let directory: string;
let journal: ExitJournal;
let stop: AbortController;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-exits-'));
  journal = new ExitJournal(join(directory, 'exits'), log);
  stop = new AbortController();
});

afterEach(() => {
  stop.abort();
  journal.close();
  rmSync(directory, { recursive: true });
});

function append(...execIds: string[]): void {
  const exit = { pid: 1, status: 0, signal: 0, exitedAt: 1n, provenance: 'waited', oomKilled: false } as const;
  journal.append(execIds.map((execId) => ({ containerId: 'c1', execId, exit })));
}

async function take(after: bigint, count: number): Promise<string[]> {
  const taken: string[] = [];
  for await (const record of journal.follow(after, stop.signal)) {
    taken.push('exit' in record ? record.execId : 'out of memory');
    if (taken.length === count) break;
  }
  return taken;
}

function onDisk(): bigint[] {
  return parseExitJournal(readFileSync(join(directory, 'exits'), 'utf8')).map((record) => record.sequence);
}

test('records are numbered, on disk at once, and told after any cursor', async () => {
  append('a', 'b');
  assert.deepEqual(onDisk(), [1n, 2n]);
  append('c');
  assert.deepEqual(await take(0n, 3), ['a', 'b', 'c']);
  assert.deepEqual(await take(2n, 1), ['c']);
  assert.deepEqual(onDisk(), [1n, 2n, 3n]);
});

test('a notice of a kill for want of memory is numbered, on disk and told as exits are', async () => {
  append('a');
  journal.append([{ containerId: 'c1', outOfMemoryAt: 5n }]);
  append('b');
  assert.deepEqual(await take(0n, 3), ['a', 'out of memory', 'b']);
  const notice = { sequence: 2n, containerId: 'c1', outOfMemoryAt: 5n };
  assert.deepEqual(parseJournal(readFileSync(join(directory, 'exits'), 'utf8'))[1], notice);
  assert.deepEqual(onDisk(), [1n, 3n]);
});

test('who waits is told what comes, and an abort ends the wait', async () => {
  const waiting = [take(0n, 2), take(1n, 1)];
  append('a');
  append('b');
  assert.deepEqual(await Promise.all(waiting), [['a', 'b'], ['b']]);
  const endless = take(2n, 1);
  stop.abort();
  assert.deepEqual(await endless, []);
});

test('what is acknowledged is told no more; an acknowledgement may repeat, lag or run ahead', async () => {
  append('a', 'b', 'c', 'd');
  journal.acknowledge(2n);
  journal.acknowledge(1n);
  assert.deepEqual(await take(0n, 2), ['c', 'd']);
  journal.acknowledge(100n);
  append('e');
  assert.deepEqual(await take(0n, 1), ['e']);
  assert.deepEqual(await take(4n, 1), ['e']);
});

test('a long journal starts again once all of it is acknowledged, and goes on counting', () => {
  const many = Array.from({ length: 2500 }, (_, index) => `exec-${index}`);
  append(...many);
  assert.equal(onDisk().length, 2500);
  journal.acknowledge(2499n);
  assert.equal(onDisk().length, 2500);
  journal.acknowledge(2500n);
  assert.deepEqual(onDisk(), []);
  append('next');
  assert.deepEqual(onDisk(), [2501n]);
});

test('who keeps no records of his own is told of one once it is synced, which he may ask for', async () => {
  const order: string[] = [];
  journal.onSynced(() => order.push('synced'));
  journal.append([{ containerId: 'c1', outOfMemoryAt: 5n }], () => order.push('told'));
  assert.deepEqual(order, []);
  journal.sync();
  journal.sync();
  assert.deepEqual(order, ['told', 'synced']);
  append('a');
  assert.deepEqual(await take(1n, 1), ['a']);
  await setImmediate();
  assert.deepEqual(order, ['told', 'synced', 'synced']);
});
