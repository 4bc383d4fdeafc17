// Clients of newer Debian releases than this machine's; scripts/setup-clients.sh fetches them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { TestDaemon } from './daemon.js';
import { type ProgramResult, runProgram } from './program.js';

/** Of an image that goes over a registry on a loaded machine. */
const limitMs = 60_000;

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

export interface NewerCtr {
  readonly ctr: (...args: readonly string[]) => Promise<ProgramResult>;
  /** What it prints; fails where it fails. */
  readonly succeed: (...args: readonly string[]) => Promise<string>;
}

/** That release's `ctr` against the daemon. */
export function newerCtr(release: Release, daemon: () => TestDaemon): NewerCtr {
  const ctr: NewerCtr['ctr'] = async (...args) =>
    await runProgram(newerClient(release, 'bin/ctr'), daemon().ctrCommand(args).slice(1), { limitMs });
  const succeed: NewerCtr['succeed'] = async (...args) => {
    const { code, stdout, stderr } = await ctr(...args);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  return { ctr, succeed };
}
