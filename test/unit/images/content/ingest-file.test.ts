import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { isBerthError } from '../../../../src/domain/errors.js';
import { IngestFile } from '../../../../src/images/content/ingest-file.js';
import { IngestThread } from '../../../../src/images/content/ingest-thread.js';

let directory: string;
let path: string;
let thread: IngestThread;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-ingest-'));
  path = join(directory, 'data');
  thread = new IngestThread();
});

afterEach(async () => {
  await thread.stop();
  await rm(directory, { recursive: true });
});

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

test('what is appended is in the file and in the hash, in order', async () => {
  const file = await IngestFile.open(thread, path, 'sha256');
  const pieces = [3, 100_000, 1, 5_000_000, 4096, 4097].map((size) => randomBytes(size));
  const whole = Buffer.concat(pieces);
  for (const piece of pieces) await file.append(piece);
  assert.equal(file.offset, whole.length);
  assert.equal(await file.digest(), sha256(whole));
  assert.equal(await file.digest('sha512'), createHash('sha512').update(whole).digest('hex'));
  await file.sync();
  assert.deepEqual(await readFile(path), whole);
  await file.close();
});

test('a file that has something already is hashed, and grows', async () => {
  await writeFile(path, 'old and ');
  const file = await IngestFile.open(thread, path, 'sha256');
  assert.equal(file.offset, 8);
  await file.append(Buffer.from('new'));
  assert.equal(await file.digest(), sha256(Buffer.from('old and new')));
  await file.truncate();
  await file.append(Buffer.from('anew'));
  assert.equal(await file.digest(), sha256(Buffer.from('anew')));
  await file.close();
  assert.equal(await readFile(path, 'utf8'), 'anew');
});

test('large data is taken with its memory, small data of a shared memory is left alone', async () => {
  const file = await IngestFile.open(thread, path, 'sha256');
  const large = randomBytes(100_000);
  const shared = Buffer.alloc(200_000, 1);
  const [begin, rest] = [shared.subarray(0, 100_000), shared.subarray(100_000)];
  await file.append(large);
  assert.equal(large.length, 0);
  await file.append(begin);
  assert.equal(begin.length, 100_000);
  assert.ok(rest.every((byte) => byte === 1));
  await file.close();
  assert.equal((await readFile(path)).length, 200_000);
});

test('many files are written at once', async () => {
  const files = await Promise.all(
    Array.from({ length: 8 }, (_, index) => IngestFile.open(thread, `${path}-${index}`, 'sha256')),
  );
  const data = files.map((_, index) => Buffer.alloc(300_000, index));
  const expected = data.map(sha256);
  await Promise.all(files.map((file, index) => file.append(data[index] ?? Buffer.alloc(0))));
  assert.deepEqual(await Promise.all(files.map((file) => file.digest())), expected);
  await Promise.all(files.map((file) => file.close()));
});

test('a file that cannot be opened is told', async () => {
  const missing = join(directory, 'missing', 'data');
  await assert.rejects(IngestFile.open(thread, missing, 'sha256'), (error) => isBerthError(error, 'unavailable'));
});

test('after the stop nothing is written', async () => {
  const file = await IngestFile.open(thread, path, 'sha256');
  await thread.stop();
  await file.append(Buffer.from('late'));
  await assert.rejects(file.flush(), (error) => isBerthError(error, 'unavailable'));
});
