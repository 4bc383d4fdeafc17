// What `check` finds of content whose records and files do not agree, and what mending it does.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { appendFile, chmod, unlink, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { WriteAction } from '../../src/generated/containerd/services/content/v1/content.js';
import { digestOf, listBlobs, readBlob, WriteDialogue, writeBlob } from '../helpers/content.js';
import { useBerthd } from '../helpers/use-berthd.js';

// No collection comes in between.
const daemon = useBerthd({ config: 'gc_delay_ms = 600_000' });

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
