// The directories of all snapshots, ROOT/snapshots/NUMBER: short, so that many fit the options of one mount. One that no
// record names is nobody's: it is made before its record, and goes after it.
import { mkdir, open, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../base/atomic-file.js';
import { failpoint } from '../../base/failpoint.js';
import type { Log } from '../../base/log.js';
import { isBerthError } from '../../domain/errors.js';
import { isSystemError } from '../../linux/libc.js';
import type { DiskPool } from '../disk/disk-pool.js';

const directoryMode = 0o700;
const removedPrefix = 'removed-';

export class SnapshotDirectories {
  readonly root: string;
  readonly #pool: DiskPool;
  readonly #log: Log;
  readonly #removals = new Set<Promise<void>>();
  /** Those that are made and have no record yet, and those that have lost it and are about to be taken away. */
  readonly #underWay = new Set<number>();
  #last = 0;

  private constructor(root: string, pool: DiskPool, log: Log) {
    this.root = root;
    this.#pool = pool;
    this.#log = log;
  }

  /** `pool` removes what is no longer needed, beside whatever else goes on. */
  static async open(root: string, pool: DiskPool, log: Log): Promise<SnapshotDirectories> {
    const path = join(root, 'snapshots');
    await mkdir(path, { recursive: true, mode: directoryMode });
    await syncDirectory(root);
    return new SnapshotDirectories(path, pool, log);
  }

  path(number: number): string {
    return join(this.root, String(number));
  }

  /** Makes a new directory, and returns its number. It is under way until `recorded` or `remove`. */
  async make(): Promise<number> {
    this.#last++;
    const number = this.#last;
    this.#underWay.add(number);
    try {
      await mkdir(this.path(number), { mode: directoryMode });
    } catch (error) {
      this.#underWay.delete(number);
      throw error;
    }
    return number;
  }

  /** A record names it now. */
  recorded(number: number): void {
    this.#underWay.delete(number);
  }

  isUnderWay(number: number): boolean {
    return this.#underWay.has(number);
  }

  /** Whatever is there now, with a record or without. */
  async list(): Promise<number[]> {
    return (await readdir(this.root)).flatMap((name) => numberFromName(name) ?? []);
  }

  /** Makes one that a record names and that is not there; or leaves it as it is. */
  async restore(number: number): Promise<void> {
    await mkdir(this.path(number), { mode: directoryMode, recursive: true });
  }

  /** The directory and the names in it last when this returns. */
  async sync(number: number): Promise<void> {
    await syncDirectory(this.path(number));
    await syncDirectory(this.root);
  }

  async exists(number: number): Promise<boolean> {
    try {
      await (await open(this.path(number), 'r')).close();
      return true;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** Takes the directory away at once; what is in it is removed later. */
  async remove(number: number): Promise<void> {
    const removed = join(this.root, `${removedPrefix}${number}`);
    this.#underWay.add(number);
    try {
      await rename(this.path(number), removed);
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return;
      throw error;
    } finally {
      this.#underWay.delete(number);
    }
    failpoint('snapshots.directory-renamed');
    this.#removeLater(removed);
  }

  /** Removes every directory but those of `known`; for the start, before any other is made. */
  async sweep(known: ReadonlySet<number>): Promise<void> {
    for (const name of await readdir(this.root)) {
      const isRemoved = name.startsWith(removedPrefix);
      const number = numberFromName(isRemoved ? name.slice(removedPrefix.length) : name);
      if (number === undefined) continue;
      this.#last = Math.max(this.#last, number);
      if (!isRemoved && known.has(number)) continue;
      this.#log.info('removing a snapshot directory that has no record', { directory: name });
      if (isRemoved) this.#removeLater(join(this.root, name));
      else await this.remove(number);
    }
    for (const number of known) this.#last = Math.max(this.#last, number);
  }

  /** Resolves when everything that was taken away is removed. */
  async settled(): Promise<void> {
    await Promise.all(this.#removals);
  }

  #removeLater(path: string): void {
    const removal = this.#pool.run('remove', path).catch((error: unknown) => {
      // The daemon stops: the next start goes on with it.
      if (isBerthError(error, 'cancelled') || isBerthError(error, 'unavailable')) return;
      this.#log.warn('a snapshot directory could not be removed', { path, error });
    });
    this.#removals.add(removal);
    void removal.finally(() => this.#removals.delete(removal));
  }
}

/** What is not named as ours is not ours to remove. */
function numberFromName(name: string): number | undefined {
  const number = Number(name);
  return Number.isSafeInteger(number) && number > 0 && String(number) === name ? number : undefined;
}
