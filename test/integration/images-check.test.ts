// What `check` finds of content and snapshots whose records and files do not agree, and what mending it does.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { appendFile, chmod, mkdir, rm, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { WriteAction } from '../../src/generated/containerd/services/content/v1/content.js';
import { digestOf, listBlobs, readBlob, WriteDialogue, writeBlob } from '../helpers/content.js';
import { ownDirectory, Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

// No collection comes in between.
const daemon = useBerthd({ config: 'gc_delay_ms = 600_000' });

const snapshots = new Snapshots(daemon);

async function check(repair = false): Promise<string[]> {
  const { findings } = await daemon().call(MaintenanceService.check, { repair });
  assert.ok(findings.every((finding) => finding.repaired === repair));
  return findings.map(({ invariant, object }) => `${invariant} ${object}`);
}

function fileOf(digest: string): string {
  return `${daemon().root}/content/blobs/${digest.replace(':', '/')}`;
}

test('blobs and writes under way are in order', async () => {
  await writeBlob(daemon(), 'fine');
  const write = new WriteDialogue(daemon());
  await write.send({ ref: 'under-way' });
  await write.send({ action: WriteAction.WRITE, data: Buffer.from('half') });
  assert.deepEqual(await check(), []);
  write.cancel();
  assert.deepEqual(await check(), []);
});

test('a blob whose file is gone or cut is found and forgotten, and can be written again', async () => {
  const gone = await writeBlob(daemon(), 'gone');
  const cut = await writeBlob(daemon(), 'longer now');
  await unlink(fileOf(gone));
  await chmod(fileOf(cut), 0o600);
  await appendFile(fileOf(cut), ' than it was');
  const expected = [gone, cut].map((digest) => `blobs-have-files ${daemon().namespace}/${digest}`).sort();
  assert.deepEqual((await check()).sort(), expected);
  assert.deepEqual((await check(true)).sort(), expected);
  assert.deepEqual(await check(), []);
  assert.equal((await listBlobs(daemon())).includes(cut), false);
  await writeBlob(daemon(), 'longer now');
  assert.equal((await readBlob(daemon(), cut)).toString(), 'longer now');
});

test('a blob whose file is gone is mended by who writes it again', async () => {
  const digest = await writeBlob(daemon(), 'lost and found');
  await unlink(fileOf(digest));
  await assert.rejects(readBlob(daemon(), digest), { code: 15 });
  const write = new WriteDialogue(daemon());
  assert.equal((await write.send({ ref: 'mending', expected: digest })).offset, 0n);
  const data = Buffer.from('lost and found');
  await assert.rejects(write.send({ action: WriteAction.COMMIT, data, expected: digest }), { code: 6 });
  assert.equal((await readBlob(daemon(), digest)).toString(), 'lost and found');
  assert.deepEqual(await check(), []);
});

test('files that belong to nothing are found and removed', async () => {
  const stray = fileOf(digestOf('stray'));
  const ingest = `${daemon().root}/content/ingest/${'0'.repeat(64)}`;
  await writeFile(stray, 'stray');
  await writeFile(ingest, 'half');
  const expected = [`content-has-records ${stray}`, `content-has-records ${ingest}`];
  assert.deepEqual(await check(), expected);
  assert.deepEqual(await check(true), expected);
  assert.deepEqual([existsSync(stray), existsSync(ingest)], [false, false]);
  assert.deepEqual(await check(), []);
});

test('a committed snapshot whose directory is gone is found, until it is removed', async () => {
  const directory = dirname(ownDirectory(await snapshots.prepare('work')));
  await snapshots.commit('done', 'work');
  assert.deepEqual(await check(), []);
  await rm(directory, { recursive: true });
  const { findings } = await daemon().call(MaintenanceService.check, { repair: true });
  assert.deepEqual(
    findings.map(({ invariant, object, repaired }) => [invariant, object, repaired]),
    [['snapshots-have-directories', `${daemon().namespace}/overlayfs/done`, false]],
  );
  await snapshots.remove('done');
  assert.deepEqual(await check(), []);
});

test("a directory below snapshots that is nobody's is found and removed", async () => {
  const own = ownDirectory(await snapshots.prepare('work'));
  const stray = `${daemon().root}/snapshots/1000`;
  await mkdir(`${stray}/fs/deep`, { recursive: true });
  await mkdir(`${daemon().root}/snapshots/lost+found`);
  const expected = [`snapshot-directories-have-records ${stray}`];
  assert.deepEqual(await check(), expected);
  assert.deepEqual(await check(true), expected);
  assert.deepEqual([existsSync(stray), existsSync(own)], [false, true]);
  assert.deepEqual(await check(), []);
  await snapshots.remove('work');
});

test('directories of snapshots that are being made and removed are in order', async () => {
  const over = new AbortController();
  const churn = async (key: string): Promise<number> => {
    let rounds = 0;
    for (; !over.signal.aborted; rounds++) {
      await snapshots.prepare(key);
      await snapshots.remove(key);
    }
    return rounds;
  };
  const churning = Array.from({ length: 8 }, (_, index) => churn(`churn-${index}`));
  const found: string[] = [];
  for (let round = 0; round < 40; round++) found.push(...(await check()));
  over.abort();
  assert.ok((await Promise.all(churning)).every((rounds) => rounds > 0));
  assert.deepEqual(found, []);
});
