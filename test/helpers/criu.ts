// The CRIU that works on this machine; scripts/setup-criu.sh finds or makes it.
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const script = resolve(import.meta.dirname, '../../../scripts/setup-criu.sh');
let directory: string | undefined;

/** The absolute path of `criu`. */
export function criuPath(): string {
  directory ??= execFileSync(script, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
  return `${directory}/criu`;
}
