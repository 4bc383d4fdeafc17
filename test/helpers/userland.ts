// A Debian userland as a layer; scripts/setup-userland.sh has debootstrap make it, once.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const script = resolve(import.meta.dirname, '../../../scripts/setup-userland.sh');

/** Of 120 MB: not to be kept longer than it is needed. */
export function debianLayer(): Buffer {
  return readFileSync(execFileSync(script, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim());
}
