// Whether the machine has been restarted since the last daemon ran: then no recorded pid means anything any more.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../base/atomic-file.js';

/** Holds the id of the boot that the state directory belongs to; it is absent after a reboot where /run is a tmpfs. */
const aliveFile = 'alive';

/** Marks the state directory as this boot's, and tells whether it was before. */
export async function claimBoot(stateDirectory: string): Promise<boolean> {
  const path = join(stateDirectory, aliveFile);
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const before = await readFile(path, 'utf8').catch(() => '');
  if (before.trim() === boot) return true;
  await writeFileAtomically(path, `${boot}\n`);
  return false;
}
