import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, stat, symlink, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { isBerthError } from '../../../src/domain/errors.js';
import { restoreBackup } from '../../../src/store/backup.js';
import { repairDatabase } from '../../../src/store/database.js';
import { openStore, type Store } from '../../../src/store/store.js';
import { CommitWitness } from '../../../src/store/witness.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-faults-'));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

function open(): Promise<Store> {
  return openStore({ root, keep: { events: 1000, bytes: 1e9, seconds: 3600 } });
}

async function fill(count: number): Promise<void> {
  const store = await open();
  for (let index = 0; index < count; index++) await store.commit([store.meta.put(`key-${index}`, { value: 'x' })]);
  await store.close();
}

async function known(store: Store): Promise<number> {
  const values: string[] = [];
  for await (const { value } of store.meta.list()) values.push(value);
  return values.length;
}

async function logFile(): Promise<string> {
  const logs = (await readdir(join(root, 'db'))).filter((name) => name.endsWith('.log'));
  return join(root, 'db', logs.toSorted().at(-1) ?? assert.fail('LevelDB has no log'));
}

test('a log that was cut at any byte is refused, naming what is missing', async () => {
  await fill(5);
  const path = await logFile();
  const { size } = await stat(path);
  const before = `${root}-before`;
  await cp(root, before, { recursive: true });
  try {
    for (let length = 0; length < size; length++) {
      await truncate(path, length);
      await assert.rejects(open(), (error) => {
        return isBerthError(error, 'data-loss') && /5 were committed/.test(error.message);
      });
      // LevelDB moves on to a new log when it is opened: what it made of this one is put back.
      await rm(root, { recursive: true });
      await cp(before, root, { recursive: true });
    }
  } finally {
    await rm(before, { recursive: true });
  }
  const store = await open();
  assert.equal(await known(store), 5);
  await store.close();
});

test('a repair accepts what is left, counts the loss, and the store opens again', async () => {
  await fill(20);
  const path = await logFile();
  await truncate(path, Math.floor((await readFile(path)).length / 2));
  const { commits, lost } = await repairDatabase(root);
  assert.equal(commits + lost, 20n);
  assert.ok(lost > 0n);
  const store = await open();
  assert.equal(await known(store), Number(commits));
  await store.close();
});

test('a database that is gone is refused, not made anew', async () => {
  await fill(3);
  await rm(join(root, 'db'), { recursive: true });
  await assert.rejects(open(), (error) => isBerthError(error, 'data-loss'));
});

test('a database that has lost its CURRENT file has lost no record', async () => {
  await fill(3);
  await rm(join(root, 'db', 'CURRENT'));
  const store = await open();
  assert.equal(await known(store), 3);
  await store.close();
});

test('a backup restores what was there when it was made', async () => {
  await fill(5);
  let store = await open();
  const file = await store.backUp(2);
  await store.commit([store.meta.put('later', { value: 'y' })]);
  await store.close();
  await restoreBackup(root, file);
  store = await open();
  assert.equal(await known(store), 5);
  await store.commit([store.meta.put('on', { value: 'z' })]);
  await store.close();
});

test('only the newest backups are kept', async () => {
  await fill(1);
  const store = await open();
  const made: string[] = [];
  for (let round = 0; round < 4; round++) made.push(await store.backUp(2));
  await store.close();
  const kept = await readdir(join(root, 'backups'));
  assert.deepEqual(
    kept.map((name) => join(root, 'backups', name)),
    [...new Set(made)].slice(-2),
  );
});

test('a backup that was cut short is refused, and the records stay', async () => {
  await fill(5);
  let store = await open();
  const file = await store.backUp(2);
  await store.close();
  await truncate(file, (await readFile(file)).length - 5);
  await assert.rejects(restoreBackup(root, file), (error) => isBerthError(error, 'invalid-argument'));
  store = await open();
  assert.equal(await known(store), 5);
  await store.close();
});

test('a batch that is on the disk counts as committed though its witness cannot be written', async () => {
  await symlink('/dev/full', join(root, 'commits'));
  const witness = CommitWitness.open(root);
  witness.note(1n);
  witness.close();
  await rm(join(root, 'commits'));
});
