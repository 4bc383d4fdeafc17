// What berthd does with its records instead of serving: repair, and restore from a backup.
import { restoreBackup } from '../store/backup.js';
import { repairDatabase } from '../store/database.js';
import type { Configuration } from './configuration.js';

export async function repairRecords({ root }: Configuration): Promise<void> {
  const { commits, lost } = await repairDatabase(root);
  say(`the records in ${root} are usable up to batch ${commits}`);
  say(lost === 0n ? 'no committed batch is missing' : `${lost} committed batches are lost`);
}

export async function restoreRecords({ root }: Configuration, file: string): Promise<void> {
  const replaced = await restoreBackup(root, file);
  say(`${file} is restored; the records it replaced are in ${replaced}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
