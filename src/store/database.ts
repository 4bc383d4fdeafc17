// The one LevelDB of a root directory: opening it, its lock, and batches that last. Each batch counts itself, so that
// after a failure it is known whether it is on the disk.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BatchOperation, Level } from 'level';
import { BerthError, messageOf } from '../domain/errors.js';
import { CommitWitness } from './witness.js';

/** One change of one key; a batch of them is applied as a whole or not at all. */
export type Change = BatchOperation<Level, string, string>;

/** The key, outside every keyspace, under which the number of batches stands. */
const commitsKey = 'commits';

export class Database {
  readonly #level: Level;
  readonly #keyspaces: Sublevel[] = [];
  readonly #witness: CommitWitness;
  #commits: bigint;

  private constructor(level: Level, witness: CommitWitness, commits: bigint) {
    this.#level = level;
    this.#witness = witness;
    this.#commits = commits;
  }

  /**
   * Opens `ROOT/db`. `failed-precondition` naming the holder when another daemon has it; `data-loss` when it cannot be
   * read, or lacks batches that were committed.
   */
  static async open(root: string): Promise<Database> {
    const level = new Level(databasePath(root));
    try {
      await level.open();
    } catch (error) {
      throw await openError(root, error);
    }
    const commits = BigInt((await level.get(commitsKey)) ?? 0);
    const seen = CommitWitness.seen(root);
    if (seen > commits) {
      await level.close();
      throw missingCommits(root, commits, seen);
    }
    await writeFile(holderPath(root), `${process.pid}\n`, { mode: 0o600 });
    return new Database(level, CommitWitness.open(root), commits);
  }

  keyspace(name: string): Sublevel {
    const keyspace = openKeyspace(this.#level, name);
    this.#keyspaces.push(keyspace);
    return keyspace;
  }

  /** Applies all changes at once and returns when they are on the disk (LevelDB does not fsync unless asked). */
  async write(changes: readonly Change[]): Promise<void> {
    const commits = this.#commits + 1n;
    const counted: Change[] = [...changes, { type: 'put', key: commitsKey, value: commits.toString() }];
    try {
      await this.#level.batch(counted, { sync: true });
    } catch {
      await this.#writeAgain(counted, commits);
    }
    this.#commits = commits;
    this.#witness.note(commits);
  }

  /** Every key and value, of one moment, with keyspaces' names in the keys. */
  entries(): AsyncIterable<[string, string]> {
    return this.#level.iterator();
  }

  async close(): Promise<void> {
    await this.#level.close();
    this.#witness.close();
  }

  /**
   * After a failed write LevelDB refuses all others until it is opened again. Opened, it tells whether the batch got
   * through after all; else it gets a second chance.
   */
  async #writeAgain(counted: Change[], commits: bigint): Promise<void> {
    await this.#level.close();
    await this.#level.open();
    for (const keyspace of this.#keyspaces) await keyspace.open();
    if (BigInt((await this.#level.get(commitsKey)) ?? 0) === commits) return;
    await this.#level.batch(counted, { sync: true });
  }
}

/** In Node `Level` is classic-level's class, which can repair; the types know what it shares with browsers only. */
const repairer = Level as unknown as { repair(location: string): Promise<void> };

/** Makes what LevelDB can still read of `ROOT/db` usable again, and accepts the loss of the rest. Returns the batches left. */
export async function repairDatabase(root: string): Promise<{ readonly commits: bigint; readonly lost: bigint }> {
  await repairer.repair(databasePath(root));
  const level = new Level(databasePath(root));
  await level.open();
  const commits = BigInt((await level.get(commitsKey)) ?? 0);
  await level.close();
  const seen = CommitWitness.seen(root);
  const witness = CommitWitness.open(root);
  witness.note(commits);
  witness.close();
  return { commits, lost: seen > commits ? seen - commits : 0n };
}

export type Sublevel = ReturnType<typeof openKeyspace>;

function openKeyspace(level: Level, name: string) {
  return level.sublevel(name);
}

export function databasePath(root: string): string {
  return join(root, 'db');
}

function holderPath(root: string): string {
  return join(root, 'berthd.pid');
}

async function openError(root: string, error: unknown): Promise<BerthError> {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code !== 'LEVEL_LOCKED') {
    const remedy = 'restore a backup, or see what berthd --repair-db can save';
    const message = `cannot open the records in ${databasePath(root)}: ${messageOf(cause)}; ${remedy}`;
    return new BerthError('data-loss', message, { cause });
  }
  const holder = await readFile(holderPath(root), 'utf8').catch(() => 'unknown');
  const message = `${root} is in use by another berthd (pid ${holder.trim()}): stop it, or give this one its own --root`;
  return new BerthError('failed-precondition', message, { cause });
}

function missingCommits(root: string, commits: bigint, seen: bigint): BerthError {
  const lost = `the records in ${databasePath(root)} end with batch ${commits}, and ${seen} were committed`;
  return new BerthError('data-loss', `${lost}: restore a backup, or accept the loss with berthd --repair-db`);
}
