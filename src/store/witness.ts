// A file beside LevelDB that knows how many batches were committed. LevelDB takes a log that was cut short for one that
// ends there; this notices. Written after each batch, without a sync of its own: it must survive a crash of the daemon,
// and what a power failure takes from it only makes it ask for less.
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const fileName = 'commits';
/** Digits of the largest 64-bit number: every value overwrites the one before as a whole. */
const digits = 20;

export class CommitWitness {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static open(root: string): CommitWitness {
    return new CommitWitness(openSync(join(root, fileName), constants.O_RDWR | constants.O_CREAT, 0o600));
  }

  /** How many batches `root` has seen committed; 0 when nobody has counted. */
  static seen(root: string): bigint {
    try {
      const text = readFileSync(join(root, fileName), 'utf8').trim();
      return /^\d+$/.test(text) ? BigInt(text) : 0n;
    } catch {
      return 0n;
    }
  }

  /** Never throws: the batch is on the disk already, and what cannot be noted only makes it ask for less. */
  note(commits: bigint): void {
    try {
      writeSync(this.#fd, `${commits.toString().padStart(digits, '0')}\n`, 0);
    } catch {
      // A file system that has just turned read-only: the next batch says so.
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
