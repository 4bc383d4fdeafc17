// A small ext4 file system on a loop device, which the kernel turns read-only at its first error, as disks that fail do.
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { unmountBelow } from '../../src/linux/mount.js';
import { runProgram } from './program.js';

/** Beside everything that a test keeps; without a journal nothing has to be written when it is mounted again. */
const bytes = 24 * 1024 * 1024;

export class Ext4Disk {
  readonly #image: string;
  readonly #directory: string;
  #device = '';

  private constructor(image: string, directory: string) {
    this.#image = image;
    this.#directory = directory;
  }

  /** Makes one in the file `image` and mounts it on `directory`. */
  static async make(image: string, directory: string): Promise<Ext4Disk> {
    writeFileSync(image, '');
    truncateSync(image, bytes);
    await run('mkfs.ext4', '-q', '-O', '^has_journal', '-E', 'root_owner', image);
    mkdirSync(directory, { recursive: true });
    const disk = new Ext4Disk(image, directory);
    await disk.mount();
    return disk;
  }

  async mount(): Promise<void> {
    await run('mount', '-o', 'loop,errors=remount-ro', this.#image, this.#directory);
    this.#device = (await run('findmnt', '-n', '-o', 'SOURCE', this.#directory)).trim();
  }

  /** The kernel meets an error on it: from now on whoever has a file open for writing cannot write it either. */
  turnReadOnly(): void {
    writeFileSync(`/sys/fs/ext4/${basename(this.#device)}/trigger_fs_error`, 'a test');
  }

  /** Unmounts, looks for damage and mounts again, which nobody may stand in the way of. */
  async mend(): Promise<void> {
    await run('umount', this.#directory);
    // 1: it has mended something, as the noted error.
    const { code, stdout } = await runProgram('e2fsck', ['-f', '-y', this.#image]);
    if (code !== 0 && code !== 1) throw new Error(`e2fsck: ${stdout}`);
    await this.mount();
  }

  unmount(): void {
    unmountBelow(this.#directory);
  }
}

async function run(file: string, ...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await runProgram(file, args);
  if (code !== 0) throw new Error(`${file}: ${stderr}`);
  return stdout;
}
