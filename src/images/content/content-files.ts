// The files of the content store: ROOT/content/blobs/ALGORITHM/HEX, complete and read-only, and ROOT/content/ingest/HASH,
// what has come of an unfinished write. Records tell what they mean; a file without a record is nobody's.
import { createHash } from 'node:crypto';
import { chmod, constants, copyFile, type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from '../../base/atomic-file.js';
import { type Digest, digestAlgorithms, formatDigest, isDigest, parseDigest } from '../../domain/digest.js';
import { BerthError, messageOf } from '../../domain/errors.js';

const directoryMode = 0o700;
const blobMode = 0o444;
export const ingestMode = 0o600;

export class ContentFiles {
  readonly #blobs: string;
  readonly #ingests: string;

  private constructor(root: string) {
    this.#blobs = join(root, 'content', 'blobs');
    this.#ingests = join(root, 'content', 'ingest');
  }

  static async open(root: string): Promise<ContentFiles> {
    const files = new ContentFiles(root);
    const directories = [files.#ingests, ...digestAlgorithms.map((algorithm) => join(files.#blobs, algorithm))];
    for (const directory of directories) await mkdir(directory, { recursive: true, mode: directoryMode });
    // A blob's own directory is synced when a blob comes into it; those above it last from here on.
    for (const directory of [files.#blobs, dirname(files.#blobs), root]) await syncDirectory(directory);
    return files;
  }

  /** Where an unfinished write lies. Refs hold any character, so the name is a hash of it. */
  ingestPath({ namespace, ref }: { readonly namespace: string; readonly ref: string }): string {
    return join(this.#ingests, createHash('sha256').update(`${namespace}/${ref}`).digest('hex'));
  }

  blobPath({ algorithm, hex }: Digest): string {
    return join(this.#blobs, algorithm, hex);
  }

  /** Bytes; undefined where there is no such blob. */
  async blobSize(digest: Digest): Promise<number | undefined> {
    return await sizeOf(this.blobPath(digest));
  }

  /** Bytes, and the time of the last write; undefined where nothing has come yet. */
  async ingestState(path: string): Promise<{ readonly size: number; readonly modifiedMs: number } | undefined> {
    const found = await statIfThere(path);
    return found && { size: found.size, modifiedMs: found.mtimeMs };
  }

  /** `data-loss` when the file is gone although a record names it. */
  async openBlob(digest: Digest): Promise<FileHandle> {
    try {
      return await open(this.blobPath(digest), 'r');
    } catch (error) {
      const message = `content ${formatDigest(digest)} cannot be read: ${messageOf(error)}`;
      throw new BerthError('data-loss', message, { cause: error });
    }
  }

  /** Makes a synced and checked ingest the blob `digest`. It lasts when this returns. */
  async adopt(ingest: string, digest: Digest, renamed: () => void): Promise<void> {
    const path = this.blobPath(digest);
    await chmod(ingest, blobMode);
    await rename(ingest, path);
    renamed();
    await syncDirectory(dirname(path));
  }

  /** Begins the ingest at `path` with what the blob has. */
  async copyBlob(digest: Digest, path: string): Promise<void> {
    await rm(path, { force: true });
    await copyFile(this.blobPath(digest), path, constants.COPYFILE_FICLONE);
    await chmod(path, ingestMode);
  }

  async removeBlob(digest: Digest): Promise<void> {
    await rm(this.blobPath(digest), { force: true });
  }

  async removeIngest(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  /** Every blob that has a file. */
  async listBlobs(): Promise<Digest[]> {
    const found = digestAlgorithms.map(async (algorithm) => {
      const names = await readdir(join(this.#blobs, algorithm));
      return names
        .map((hex) => `${algorithm}:${hex}`)
        .filter(isDigest)
        .map(parseDigest);
    });
    return (await Promise.all(found)).flat();
  }

  /** The path of every ingest that has a file. */
  async listIngests(): Promise<string[]> {
    return (await readdir(this.#ingests)).map((name) => join(this.#ingests, name));
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await statIfThere(path))?.size;
}

async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
