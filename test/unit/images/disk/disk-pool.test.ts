// Jobs on worker threads: outcomes, failures, bounds, cancellation and the end.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { isBerthError } from '../../../../src/domain/errors.js';
import { DiskPool } from '../../../../src/images/disk/disk-pool.js';
import type { PackParameters } from '../../../../src/images/diff/pack/pack-layer.js';
import { describeTree } from '../../../helpers/file-tree.js';

let directory: string;
let pool: DiskPool;
const at = (...names: string[]) => join(directory, ...names);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-pool-'));
  pool = new DiskPool({ maxThreads: 2 });
});

afterEach(async () => {
  await pool.close();
  rmSync(directory, { recursive: true });
});

function packing(path: string): PackParameters {
  const upper = { path, lowers: [], attributes: 'trusted' } as const;
  return { source: { type: 'upper', upper }, compression: 'none', latestNanos: undefined };
}

test('a job runs beside the main thread, and its result comes back', async () => {
  mkdirSync(at('tree'));
  writeFileSync(at('tree/file'), Buffer.alloc(10_000));
  const usage = await pool.run('measure', at('tree'));
  assert.equal(usage.inodes, 2);
  assert.ok(usage.bytes >= 10_000 && usage.bytes < 40_000, String(usage.bytes));
  await pool.run('remove', at('tree'));
  assert.deepEqual(readdirSync(directory), []);
});

test('more jobs than threads take their turns', async () => {
  const jobs = Array.from({ length: 20 }, async (_, index) => {
    mkdirSync(at(`tree${index}`));
    return await pool.run('measure', at(`tree${index}`));
  });
  assert.equal((await Promise.all(jobs)).length, 20);
});

test('a failure keeps its kind and words, and the next job runs', async () => {
  await assert.rejects(pool.run('measure', at('nothing')), (error: unknown) => isBerthError(error, 'not-found'));
  await assert.rejects(pool.run('copy', { from: at('nothing'), to: at('x') }), /ENOENT/);
  assert.equal((await pool.run('measure', directory)).inodes, 1);
});

test('pieces of output come in order, each taken before too many are made', async () => {
  mkdirSync(at('tree'));
  for (const name of ['a', 'b', 'c']) writeFileSync(at('tree', name), Buffer.alloc(1_000_000, name));
  const pieces: Buffer[] = [];
  let waiting = 0;
  await pool.run('pack', packing(at('tree')), {
    onPiece: async (piece) => {
      waiting++;
      assert.equal(waiting, 1, 'one at a time');
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      pieces.push(Buffer.from(piece));
      waiting--;
    },
  });
  assert.ok(pieces.length > 8, String(pieces.length));
  const whole = Buffer.concat(pieces);
  assert.ok(whole.includes(Buffer.alloc(1_000_000, 'b')) && whole.indexOf('bbbb') < whole.indexOf('cccc'));
});

test('a failure to take a piece ends the job, and is what the caller learns', async () => {
  writeFileSync(at('file'), Buffer.alloc(5_000_000));
  const failure = new Error('the disk is full');
  const run = pool.run('pack', packing(directory), {
    onPiece: async () => {
      throw failure;
    },
  });
  await assert.rejects(run, (error: unknown) => error === failure);
});

test('a job that is given up ends, before it begins and while it runs', async () => {
  writeFileSync(at('file'), Buffer.alloc(5_000_000));
  const isCancelled = (error: unknown) => isBerthError(error, 'cancelled');
  await assert.rejects(pool.run('measure', directory, { signal: AbortSignal.abort() }), isCancelled);
  const aborter = new AbortController();
  const run = pool.run('pack', packing(directory), {
    signal: aborter.signal,
    onPiece: async () => aborter.abort(),
  });
  await assert.rejects(run, isCancelled);
});

test('a job that waits for a thread can be given up', async () => {
  const small = new DiskPool({ maxThreads: 1 });
  writeFileSync(at('file'), Buffer.alloc(5_000_000));
  const aborter = new AbortController();
  let waiting: Promise<unknown> | undefined;
  await small.run('pack', packing(directory), {
    onPiece: async () => {
      waiting ??= small.run('measure', directory, { signal: aborter.signal });
      aborter.abort();
      await assert.rejects(waiting, (error: unknown) => isBerthError(error, 'cancelled'));
    },
  });
  assert.equal((await small.run('measure', directory)).inodes, 2);
  await small.close();
});

test('a pool that is closed gives up what runs, and takes nothing more', async () => {
  writeFileSync(at('file'), Buffer.alloc(5_000_000));
  const small = new DiskPool({ maxThreads: 1 });
  const isUnavailable = (error: unknown) => isBerthError(error, 'unavailable');
  let closing: Promise<void> | undefined;
  let waiting: Promise<void> | undefined;
  const run = small.run('pack', packing(directory), {
    onPiece: async () => {
      waiting ??= assert.rejects(small.run('measure', directory), isUnavailable);
      closing ??= small.close();
    },
  });
  await assert.rejects(run, (error: unknown) => isBerthError(error, 'cancelled'));
  await Promise.all([closing, waiting]);
  await assert.rejects(small.run('measure', directory), isUnavailable);
});

test('a copy has everything that the tree has, hard links among it', async () => {
  execFileSync('sh', [
    '-ec',
    `mkdir -p "$1/from/a/b" "$1/to"; cd "$1/from"; echo x > a/file; chmod 4751 a/file; ln a/file a/b/same; ln -s ../x a/link
     ln a/link link; mkfifo -m 622 fifo; mknod device c 5 1; mknod disk b 8 2; chown -h 12:34 a/link fifo; chmod 1777 a/b
     touch "$(printf 'caf\\351')"; find . -exec touch -h -d @1600000000.123456789 {} +`,
    'sh',
    directory,
  ]);
  await pool.run('copy', { from: at('from'), to: at('to') });
  assert.deepEqual(describeTree(at('to')), describeTree(at('from')));
  assert.equal(describeTree(at('to')).size, 10);
});

test('a file with several names is measured once', async () => {
  mkdirSync(at('tree'));
  writeFileSync(at('tree/file'), Buffer.alloc(100_000));
  const before = await pool.run('measure', at('tree'));
  linkSync(at('tree/file'), at('tree/other'));
  assert.deepEqual(await pool.run('measure', at('tree')), before);
});
