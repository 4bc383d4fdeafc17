// Backups of all records: a gzip of one JSON line per key, complete or not there, and made from one moment's view.
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { Level } from 'level';
import { syncDirectory } from '../base/atomic-file.js';
import { BerthError, messageOf } from '../domain/errors.js';
import { keepPrivate, type Database, databasePath } from './database.js';

/** Lines read back into the database in one batch. */
const restoreBatchLines = 1000;
const endMark = '"end"';

/** Writes `ROOT/backups/records-TIME.gz`, keeps the newest `keep`, and returns its path. */
export async function backUp(database: Database, root: string, keep: number): Promise<string> {
  const directory = join(root, 'backups');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `records-${new Date().toISOString().replaceAll(':', '-')}.gz`);
  const temporary = `${path}.tmp`;
  try {
    await pipeline(Readable.from(lines(database)), createGzip(), createWriteStream(temporary, { mode: 0o600 }));
    await syncFile(temporary);
    await rename(temporary, path);
    await syncDirectory(directory);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await removeOld(directory, keep);
  return path;
}

/** Puts a backup in the place of `ROOT/db`, which is kept beside it; `invalid-argument` for what is no whole backup. */
export async function restoreBackup(root: string, file: string): Promise<string> {
  const path = databasePath(root);
  const fresh = `${path}.restoring`;
  await rm(fresh, { recursive: true, force: true });
  await keepPrivate(fresh);
  const level = new Level(fresh);
  try {
    await fill(level, file);
  } catch (error) {
    await level.close();
    await rm(fresh, { recursive: true, force: true });
    throw new BerthError('invalid-argument', `${basename(file)} cannot be restored: ${messageOf(error)}`, {
      cause: error,
    });
  }
  await level.close();
  const replaced = `${path}.replaced-${Date.now()}`;
  await rename(path, replaced);
  await rename(fresh, path);
  await rm(join(root, 'commits'), { force: true });
  await syncDirectory(root);
  return replaced;
}

async function* lines(database: Database): AsyncGenerator<string> {
  for await (const entry of database.entries()) yield `${JSON.stringify(entry)}\n`;
  yield `${endMark}\n`;
}

async function fill(level: Level, file: string): Promise<void> {
  let batch: { type: 'put'; key: string; value: string }[] = [];
  let last = '';
  await pipeline(createReadStream(file), createGunzip(), async (text: AsyncIterable<Buffer>) => {
    for await (const line of splitLines(text)) {
      last = line;
      if (line === endMark) continue;
      const [key, value] = JSON.parse(line) as [string, string];
      batch.push({ type: 'put', key, value });
      if (batch.length < restoreBatchLines) continue;
      await level.batch(batch);
      batch = [];
    }
  });
  if (last !== endMark) throw new Error('it is cut short');
  await level.batch(batch, { sync: true });
}

async function* splitLines(text: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of text) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}

async function removeOld(directory: string, keep: number): Promise<void> {
  const backups = (await readdir(directory)).filter((name) => name.endsWith('.gz')).toSorted();
  for (const name of backups.slice(0, Math.max(0, backups.length - keep))) await rm(join(directory, name));
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
