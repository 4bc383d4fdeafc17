// The one LevelDB of a root directory: opening it, its lock, and batches that last. Each batch counts itself, so that
// after a failure it is known whether it is on the disk.
import { chmod, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BatchOperation, Level } from 'level';
import { BerthError, messageOf } from '../domain/errors.js';
import { CommitWitness } from './witness.js';

/** One change of one key; a batch of them is applied as a whole or not at all. */
export type Change = BatchOperation<Level, string, string>;

/** Gets what a key holds now; undefined where it is gone. */
type Watcher = (key: string, text: string | undefined) => void;

/** The key, outside every keyspace, under which the number of batches stands. */
const commitsKey = 'commits';
/** Bytes of LevelDB's manifest, a new log and the next batches; far more than they are. */
const openingBytes = 256 * 1024;

export class Database {
  readonly #level: Level;
  readonly #keyspaces: Sublevel[] = [];
  readonly #watchers = new Map<unknown, Watcher>();
  readonly #witness: CommitWitness;
  readonly #root: string;
  #commits: bigint;
  /** Why the last write failed, until LevelDB is opened again. */
  #failure: unknown;

  private constructor(root: string, level: Level, witness: CommitWitness, commits: bigint) {
    this.#root = root;
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
      await keepPrivate(databasePath(root));
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
    return new Database(root, level, CommitWitness.open(root), commits);
  }

  keyspace(name: string): Sublevel {
    const keyspace = openKeyspace(this.#level, name);
    this.#keyspaces.push(keyspace);
    return keyspace;
  }

  /** Tells of each change of a keyspace, in order, once it is on the disk and before its writer hears so. */
  watch(keyspace: Sublevel, watcher: Watcher): void {
    this.#watchers.set(keyspace, watcher);
  }

  /**
   * Applies all changes at once and returns when they are on the disk (LevelDB does not fsync unless asked). What is
   * refused for want of room, or because the disk takes no writes, can be read on meanwhile, and written again later.
   */
  async write(changes: readonly Change[]): Promise<void> {
    await this.#write(changes);
    for (const change of changes) {
      this.#watchers.get(change.sublevel)?.(change.key, change.type === 'put' ? change.value : undefined);
    }
  }

  async #write(changes: readonly Change[]): Promise<void> {
    if (this.#failure !== undefined) {
      await this.#writeAnew(changes, this.#failure);
      return;
    }
    const commits = this.#commits + 1n;
    try {
      await this.#level.batch(counted(changes, commits), { sync: true });
    } catch (error) {
      this.#failure = error;
      await this.#writeAnew(changes, error, commits);
      return;
    }
    this.#committed(commits);
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
   * After a failed write nothing may follow in LevelDB's log, which may end in half a batch: it is opened again, once that
   * can be done. Opened, it tells whether `tried`, the number of this very batch, got through after all.
   */
  async #writeAnew(changes: readonly Change[], failure: unknown, tried?: bigint): Promise<void> {
    if (!(await canWrite(this.#root))) throw failure;
    await this.#level.close();
    await this.#level.open();
    for (const keyspace of this.#keyspaces) await keyspace.open();
    const found = BigInt((await this.#level.get(commitsKey)) ?? 0);
    this.#failure = undefined;
    this.#committed(found);
    if (found === tried) return;
    try {
      await this.#level.batch(counted(changes, found + 1n), { sync: true });
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    this.#committed(found + 1n);
  }

  #committed(commits: bigint): void {
    this.#commits = commits;
    this.#witness.note(commits);
  }
}

function counted(changes: readonly Change[], commits: bigint): Change[] {
  return [...changes, { type: 'put', key: commitsKey, value: commits.toString() }];
}

/** Tries it with as much as LevelDB writes when it is opened: its log anew, as a table, and what it keeps of itself. */
async function canWrite(root: string): Promise<boolean> {
  const path = join(root, 'room');
  try {
    const logs = (await readdir(databasePath(root))).filter((name) => name.endsWith('.log'));
    const sizes = await Promise.all(logs.map(async (name) => (await stat(join(databasePath(root), name))).size));
    const bytes = sizes.reduce((sum, size) => sum + size, openingBytes);
    await writeFile(path, Buffer.alloc(bytes), { mode: 0o600, flush: true });
    return true;
  } catch {
    return false;
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}

/** LevelDB makes its files readable for everybody, and specs hold secrets. */
export async function keepPrivate(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
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
