// A checkpoint's directory: filled beside its final place, inside it, and complete from one moment to the next. What the
// restore needs to know beyond CRIU's own files lies with them.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { makeDirectory } from '../src/base/make-directory.js';
import { BerthError, messageOf } from '../src/domain/errors.js';
import { stagingName } from '../src/domain/checkpoint-image.js';

/** CRIU's table of contents: a directory that has it holds a whole image. */
const inventoryFile = 'inventory.img';
const parentLink = 'parent';
const restoreFile = 'berth-restore.json';
const directoryMode = 0o700;

/** What a restore has to say again. */
export interface RestoreFacts {
  readonly emptyNamespaces: readonly string[];
  readonly cgroupsMode: string;
}

export class ImageDirectory {
  readonly #path: string;
  readonly #made: string | undefined;

  /** Makes the directory where it is not there; throws `invalid-argument` where it cannot be written. */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#made = makeDirectory(path, directoryMode);
      rmSync(this.staging, { recursive: true, force: true });
      mkdirSync(this.staging, { mode: directoryMode });
    } catch (error) {
      this.discard();
      throw new BerthError('invalid-argument', `cannot write a checkpoint to ${path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** Where the runtime writes. */
  get staging(): string {
    return join(this.#path, stagingName);
  }

  /** The image is whole: puts it in place of an older one that may lie there. */
  publish({ emptyNamespaces, cgroupsMode, parentPath }: RestoreFacts & { readonly parentPath: string }): void {
    const facts: RestoreFacts = { emptyNamespaces, cgroupsMode };
    writeFileSync(join(this.staging, restoreFile), JSON.stringify(facts), { mode: 0o600 });
    if (parentPath !== '') this.#linkParent(parentPath);
    for (const name of readdirSync(this.#path)) {
      if (isImageFile(name)) rmSync(join(this.#path, name), { recursive: true, force: true });
    }
    // The inventory last: without it no restore takes the directory for an image.
    const names = readdirSync(this.staging).sort((one) => (one === inventoryFile ? 1 : -1));
    for (const name of names) renameSync(join(this.staging, name), join(this.#path, name));
    rmSync(this.staging, { recursive: true });
  }

  /** CRIU's link leads from the staging directory, which is one deeper. */
  #linkParent(parentPath: string): void {
    const link = join(this.staging, parentLink);
    rmSync(link, { force: true });
    symlinkSync(relative(this.#path, parentPath), link);
  }

  /** Leaves the directory as it was found. */
  discard(): void {
    rmSync(this.staging, { recursive: true, force: true });
    if (this.#made !== undefined) rmSync(this.#made, { recursive: true, force: true });
  }
}

/** Throws `invalid-argument` where `path` holds no image. */
export function readRestoreFacts(path: string): RestoreFacts {
  if (!existsSync(join(path, inventoryFile))) {
    throw new BerthError('invalid-argument', `${path} holds no checkpoint: it has no ${inventoryFile}`);
  }
  try {
    return { ...JSON.parse(readFileSync(join(path, restoreFile), 'utf8')) } as RestoreFacts;
  } catch {
    // Made by somebody else, who had nothing to say.
    return { emptyNamespaces: [], cgroupsMode: '' };
  }
}

function isImageFile(name: string): boolean {
  return name.endsWith('.img') || name === 'descriptors.json' || name === restoreFile || name === parentLink;
}
