// A shim of its own for one piece of work, outside of any test's hooks.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBusyboxRootfs } from '../../helpers/rootfs.js';
import { TestShim } from '../../helpers/use-shim.js';

const logTailChars = 3000;

/** What is left of it on the host is told, and fails the process. */
export async function withShim(work: (shim: TestShim) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-shim-'));
  const rootfs = await mkdtemp(join(tmpdir(), 'berth-shim-rootfs-'));
  const shim = new TestShim(directory, rootfs);
  try {
    await makeBusyboxRootfs(rootfs);
    await shim.launch();
    await work(shim);
  } catch (error) {
    // Told before the clean-up, which may fail for the same reason.
    throw new Error(`the shim's log ends with:\n${shim.log().slice(-logTailChars)}`, { cause: error });
  } finally {
    const leaks = await shim.stop();
    await rm(directory, { recursive: true });
    await rm(rootfs, { recursive: true });
    // Not thrown: it would hide why the work failed.
    if (leaks.length > 0) process.exitCode = 1;
    for (const leak of leaks) console.error(`left behind: ${leak}`);
  }
}
