// Clients of newer Debian releases than this machine's; scripts/setup-clients.sh fetches them.
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';

/** trixie has containerd 1.7; forky 2.1 or newer, and Docker 28 or newer. */
export const newerReleases = ['trixie', 'forky'] as const;

type Release = (typeof newerReleases)[number];

const script = resolve(import.meta.dirname, '../../../scripts/setup-clients.sh');
let directory: string | undefined;

/** The absolute path of that release's `usr/PATH`. */
export function newerClient(release: Release, path: string): string {
  directory ??= execFileSync(script, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
  return join(directory, release, 'usr', path);
}
