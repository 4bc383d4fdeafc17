// Mounts that last as long as one piece of work, below ROOT/mounts. What a crash leaves there goes at the next start.
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failpoint } from '../../base/failpoint.js';
import type { Log } from '../../base/log.js';
import { BerthError, messageOf } from '../../domain/errors.js';
import { isMountedBelow, type Mount, mountOn, unmountBelow } from '../../linux/mount.js';

const directoryMode = 0o700;

export class TemporaryMounts {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  static async open(root: string, log: Log): Promise<TemporaryMounts> {
    const path = join(root, 'mounts');
    await mkdir(path, { recursive: true, mode: directoryMode });
    for (const name of await readdir(path)) {
      log.info('removing a mount that was left behind', { name });
      await removeUnmounted(join(path, name));
    }
    return new TemporaryMounts(path);
  }

  /** Gives `work` a directory that shows what `mounts` show, in their order. */
  async use<T>(mounts: readonly Mount[], work: (path: string) => Promise<T>): Promise<T> {
    return await this.useDirectory(async (path) => {
      try {
        for (const mount of mounts) mountOn(mount, path);
      } catch (error) {
        throw new BerthError('failed-precondition', `failed to mount: ${messageOf(error)}`, { cause: error });
      }
      failpoint('disk.mounted');
      return await work(path);
    });
  }

  /** Gives `work` an empty directory. */
  async useDirectory<T>(work: (path: string) => T | Promise<T>): Promise<T> {
    const path = await mkdtemp(join(this.#root, 'm'));
    try {
      return await work(path);
    } finally {
      await removeUnmounted(path);
    }
  }
}

/** Never removes through a mount: where one cannot be taken away, the directory stays. */
async function removeUnmounted(path: string): Promise<void> {
  unmountBelow(path);
  if (isMountedBelow(path)) throw new BerthError('unavailable', `${path} cannot be unmounted`);
  await rm(path, { recursive: true, force: true });
}
