// Control groups as far as Berth needs them: which kind the host has, which directory holds a container's processes,
// and killing all of them without losing a race against fork.
import { readdirSync, readFileSync, statfsSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSystemError, systemError } from './libc.js';
import { parseMountInfo, type MountEntry } from './mount-info.js';
import { readProcessCgroups, type CgroupMembership } from './process-info.js';

export type CgroupMode = 'v1' | 'hybrid' | 'v2' | 'none';

/** The directory of one hierarchy that holds exactly the container's processes. */
export interface ContainerCgroup {
  readonly version: 1 | 2;
  readonly directory: string;
}

const cgroupRoot = '/sys/fs/cgroup';
const CGROUP2_SUPER_MAGIC = 0x6367_7270;
const SIGKILL = 9;
const ENOENT = 2;

/** Kill rounds: each ends what forked since the one before, so a few are enough unless the kernel is stuck. */
const killRounds = 200;
const killRoundMs = 10;

/** runc makes a directory in each of these; freezer first, since only it stops a fork bomb. */
const preferredControllers = ['freezer', 'pids', 'devices', 'memory', 'cpu'];

export function cgroupMode(): CgroupMode {
  try {
    if (statfsSync(cgroupRoot).type === CGROUP2_SUPER_MAGIC) return 'v2';
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return 'none';
    throw error;
  }
  const types = new Set(cgroupMounts().map((mount) => mount.type));
  if (!types.has('cgroup')) return types.has('cgroup2') ? 'v2' : 'none';
  return types.has('cgroup2') ? 'hybrid' : 'v1';
}

/** Undefined when the process is gone, or where no hierarchy sets it apart from this process. */
export function containerCgroupOf(pid: number): ContainerCgroup | undefined {
  const theirs = readProcessCgroups(pid);
  const ours = readProcessCgroups('self');
  if (theirs === undefined || ours === undefined) return undefined;
  return pickContainerCgroup(theirs, ours, cgroupMounts());
}

/** Pure part of `containerCgroupOf`. */
export function pickContainerCgroup(
  theirs: readonly CgroupMembership[],
  ours: readonly CgroupMembership[],
  mounts: readonly MountEntry[],
): ContainerCgroup | undefined {
  for (const controller of [...preferredControllers, undefined]) {
    const isIt = (member: CgroupMembership): boolean =>
      controller === undefined ? member.controllers.length === 0 : member.controllers.includes(controller);
    const member = theirs.find(isIt);
    // A directory that holds this process too is not the container's own: killing it would kill the killer.
    if (member === undefined || member.path === '/' || ours.find(isIt)?.path === member.path) continue;
    const directory = directoryOf(member, controller, mounts);
    if (directory !== undefined) return { version: controller === undefined ? 2 : 1, directory };
  }
  return undefined;
}

/** Moves this process into the existing cgroup `path` of every hierarchy that has one; throws ENOENT where none has. */
export function enterCgroup(path: string): void {
  const directories = cgroupMounts()
    .map((mount) => join(mount.mountPoint, path))
    .filter((directory) => existsSync(join(directory, 'cgroup.procs')));
  if (directories.length === 0) throw systemError('open cgroup', ENOENT, path);
  for (const directory of directories) writeFileSync(join(directory, 'cgroup.procs'), String(process.pid));
}

/** The pids in the cgroup and all below it; none when it is gone. */
export function cgroupPids(cgroup: ContainerCgroup): number[] {
  const pids: number[] = [];
  for (const directory of withDescendants(cgroup.directory)) {
    const text = readCgroupFile(join(directory, 'cgroup.procs')) ?? '';
    for (const line of text.split('\n')) {
      const pid = Number.parseInt(line, 10);
      // 0 stands for a process outside our pid namespace; signalling it would mean ourselves.
      if (pid > 0) pids.push(pid);
    }
  }
  return pids;
}

/** Sends `signal` to every process of the cgroup, stopping them first where the host can, so that none forks past it. */
export function signalCgroup(cgroup: ContainerCgroup, signal: number): void {
  if (signal === SIGKILL && cgroup.version === 2 && tryWrite(join(cgroup.directory, 'cgroup.kill'), '1')) return;
  const freezer = join(cgroup.directory, cgroup.version === 2 ? 'cgroup.freeze' : 'freezer.state');
  const wasFrozen = /FROZEN|FREEZING|^1/.test(readCgroupFile(freezer) ?? '');
  if (!wasFrozen) tryWrite(freezer, cgroup.version === 2 ? '1' : 'FROZEN');
  try {
    for (const pid of cgroupPids(cgroup)) signalIfAlive(pid, signal);
  } finally {
    // A frozen process of v1 dies only once it is thawed.
    if (!wasFrozen || signal === SIGKILL) tryWrite(freezer, cgroup.version === 2 ? '0' : 'THAWED');
  }
}

/** Kills every process of the cgroup and waits until none is left (zombies do not count); false when some withstand. */
export async function killCgroup(cgroup: ContainerCgroup): Promise<boolean> {
  for (let round = 0; round < killRounds; round++) {
    if (cgroupPids(cgroup).length === 0) return true;
    signalCgroup(cgroup, SIGKILL);
    if (cgroupPids(cgroup).length === 0) return true;
    await sleep(killRoundMs);
  }
  return cgroupPids(cgroup).length === 0;
}

export function cgroupMounts(): MountEntry[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).filter((mount) => /^cgroup2?$/.test(mount.type));
}

/** Where the group of one hierarchy is in the file system; of the unified one without a controller. */
export function directoryOf(
  member: CgroupMembership,
  controller: string | undefined,
  mounts: readonly MountEntry[],
): string | undefined {
  const mount = mounts.find((candidate) =>
    controller === undefined
      ? candidate.type === 'cgroup2'
      : candidate.type === 'cgroup' && candidate.superOptions.includes(controller),
  );
  if (mount === undefined) return undefined;
  // Inside another container without a cgroup namespace the mount shows a subtree while /proc names it from the top.
  const isBelow = mount.root !== '/' && (member.path === mount.root || member.path.startsWith(`${mount.root}/`));
  return join(mount.mountPoint, isBelow ? member.path.slice(mount.root.length) : member.path);
}

function withDescendants(directory: string): string[] {
  const directories = [directory];
  for (const entry of listDirectories(directory)) directories.push(...withDescendants(join(directory, entry)));
  return directories;
}

function listDirectories(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENODEV')) return [];
    throw error;
  }
}

function readCgroupFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // ENODEV: removed while open; EOPNOTSUPP: a threaded cgroup.
    if (isSystemError(error, 'ENOENT', 'ENODEV', 'EOPNOTSUPP')) return undefined;
    throw error;
  }
}

/** False when the file is not there or refuses: the caller has another way. */
function tryWrite(path: string, value: string): boolean {
  if (!existsSync(path)) return false;
  try {
    writeFileSync(path, value);
    return true;
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return false;
    throw error;
  }
}

function signalIfAlive(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isSystemError(error, 'ESRCH')) throw error;
  }
}
