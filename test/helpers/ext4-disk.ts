// A small ext4 file system on a loop device: the kernel turns it read-only at its first error, as disks that fail are, and
// its power can be cut.
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { bindLibc, check } from '../../src/linux/libc.js';
import { unmountBelow } from '../../src/linux/mount.js';
import type { TestDaemon } from './daemon.js';
import { runProgram } from './program.js';

/** Beside everything that a test keeps. */
const defaultBytes = 24 * 1024 * 1024;

const EXT4_IOC_SHUTDOWN = 0x8004_587d;
/** Neither data nor the journal goes to the disk any more. */
const EXT4_GOING_FLAGS_NOLOGFLUSH = 2;

const ioctl = bindLibc('int ioctl(int fd, unsigned long request, const uint8_t *flags)');

export interface Ext4Options {
  readonly bytes?: number;
  /** Without one nothing has to be written when it is mounted again; with one it survives a power failure. */
  readonly journal?: boolean;
}

export class Ext4Disk {
  readonly #image: string;
  readonly #directory: string;
  #device = '';

  private constructor(image: string, directory: string) {
    this.#image = image;
    this.#directory = directory;
  }

  /** Makes one in the file `image` and mounts it on `directory`. */
  static async make(
    image: string,
    directory: string,
    { bytes = defaultBytes, journal = false }: Ext4Options = {},
  ): Promise<Ext4Disk> {
    writeFileSync(image, '');
    truncateSync(image, bytes);
    await run('mkfs.ext4', '-q', '-O', journal ? 'has_journal' : '^has_journal', '-E', 'root_owner', image);
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

  /** From now on nothing reaches the disk: what was not synced is lost at the next mount. */
  cutPower(): void {
    const flags = Buffer.alloc(4);
    flags.writeUInt32LE(EXT4_GOING_FLAGS_NOLOGFLUSH);
    const directory = openSync(this.#directory, 'r');
    try {
      check('ioctl EXT4_IOC_SHUTDOWN', ioctl(directory, EXT4_IOC_SHUTDOWN, flags));
    } finally {
      closeSync(directory);
    }
  }

  /** Which nobody may stand in the way of. */
  async mountAgain(): Promise<void> {
    await run('umount', this.#directory);
    await this.mount();
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

/** The daemon has `directory` on such a disk for as long as `work` takes. */
export async function onExt4(
  daemon: TestDaemon,
  directory: string,
  work: (disk: Ext4Disk) => Promise<void>,
  options: Ext4Options = {},
): Promise<void> {
  await daemon.stop();
  const disk = await Ext4Disk.make(daemon.path('disk.img'), directory, options);
  try {
    await daemon.start();
    await work(disk);
  } finally {
    await daemon.kill9();
    disk.unmount();
    await daemon.start();
  }
}

async function run(file: string, ...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await runProgram(file, args);
  if (code !== 0) throw new Error(`${file}: ${stderr}`);
  return stdout;
}
