// The one LevelDB of a root directory: opening it, its lock, and batches that last.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BatchOperation, Level } from 'level';
import { BerthError, messageOf } from '../domain/errors.js';

/** One change of one key; a batch of them is applied as a whole or not at all. */
export type Change = BatchOperation<Level, string, string>;

export class Database {
  readonly #level: Level;

  private constructor(level: Level) {
    this.#level = level;
  }

  /** Opens `ROOT/db`; `failed-precondition` naming the holder when another daemon has it. */
  static async open(root: string): Promise<Database> {
    const level = new Level(join(root, 'db'));
    try {
      await level.open();
    } catch (error) {
      throw await openError(root, error);
    }
    await writeFile(holderPath(root), `${process.pid}\n`, { mode: 0o600 });
    return new Database(level);
  }

  keyspace(name: string) {
    return this.#level.sublevel(name);
  }

  /** Applies all changes at once and returns when they are on the disk (LevelDB does not fsync unless asked). */
  async write(changes: Change[]): Promise<void> {
    await this.#level.batch(changes, { sync: true });
  }

  async close(): Promise<void> {
    await this.#level.close();
  }
}

export type Sublevel = ReturnType<Database['keyspace']>;

function holderPath(root: string): string {
  return join(root, 'berthd.pid');
}

async function openError(root: string, error: unknown): Promise<BerthError> {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code !== 'LEVEL_LOCKED') {
    return new BerthError('data-loss', `cannot open the records in ${join(root, 'db')}: ${messageOf(cause)}`, {
      cause,
    });
  }
  const holder = await readFile(holderPath(root), 'utf8').catch(() => 'unknown');
  const message = `${root} is in use by another berthd (pid ${holder.trim()}): stop it, or give this one its own --root`;
  return new BerthError('failed-precondition', message, { cause });
}
