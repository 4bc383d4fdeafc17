// The cgroup freezer: stops every process of a container, and lets them go on. What it says is what `runc state` says.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerCgroup } from './cgroup.js';
import { isSystemError, systemError } from './libc.js';

/** As long as runc tries (1000 times): a v1 cgroup in which processes keep forking may need many rounds. */
const freezeTimeoutMs = 10_000;
const freezePollMs = 1;
/** Every so many rounds v1 is thawed for a moment, which lets forks that stand half done come to an end, as runc does. */
const roundsBetweenThaws = 50;

const EBUSY = 16;

/** Whether the container's cgroup can be frozen from here; a v1 host without a freezer hierarchy has none. */
export function hasFreezer(cgroup: ContainerCgroup | undefined): cgroup is ContainerCgroup {
  return cgroup !== undefined && existsSync(freezerFile(cgroup));
}

/** False also when the cgroup is gone. */
export function isFrozen(cgroup: ContainerCgroup): boolean {
  if (cgroup.version === 1) return read(freezerFile(cgroup)).trim() === 'FROZEN';
  return /^frozen 1$/m.test(read(join(cgroup.directory, 'cgroup.events')));
}

/** Resolves once every process is stopped; a cgroup that does not freeze in time is thawed again, and that is an error. */
export async function freezeCgroup(cgroup: ContainerCgroup): Promise<void> {
  const end = performance.now() + freezeTimeoutMs;
  try {
    for (let round = 1; performance.now() < end; round++) {
      writeFileSync(freezerFile(cgroup), cgroup.version === 2 ? '1' : 'FROZEN');
      if (isFrozen(cgroup)) return;
      if (cgroup.version === 1 && round % roundsBetweenThaws === 0) thawCgroup(cgroup);
      await sleep(freezePollMs);
    }
  } catch (error) {
    thawQuietly(cgroup);
    throw error;
  }
  thawQuietly(cgroup);
  throw systemError(`freeze (not within ${freezeTimeoutMs} ms):`, EBUSY, cgroup.directory);
}

export function thawCgroup(cgroup: ContainerCgroup): void {
  writeFileSync(freezerFile(cgroup), cgroup.version === 2 ? '0' : 'THAWED');
}

function thawQuietly(cgroup: ContainerCgroup): void {
  try {
    thawCgroup(cgroup);
  } catch {
    // The failure that led here is the one to report.
  }
}

function freezerFile({ version, directory }: ContainerCgroup): string {
  return join(directory, version === 2 ? 'cgroup.freeze' : 'freezer.state');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENODEV')) return '';
    throw error;
  }
}
