// Control groups: which version, which controllers, and whether we may make groups.
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CgroupMode, cgroupMode } from '../../linux/cgroup.js';
import { type MountEntry, parseMountInfo } from '../../linux/mount-info.js';
import { fail, type Finding, ok, warn } from './finding.js';

/** As v2 names them. */
const wanted = ['cpu', 'cpuset', 'io', 'memory', 'pids'];
/** Those that v1 names otherwise, or that v2 has without a controller. */
const v1Wanted = ['blkio', 'cpu', 'cpuset', 'devices', 'freezer', 'memory', 'pids'];

const mountAdvice = 'mount the cgroup hierarchies: a service manager does, or the package cgroupfs-mount';

export function checkCgroups(): Finding[] {
  const mode = cgroupMode();
  if (mode === 'none') return [fail('cgroup', 'no hierarchy at /sys/fs/cgroup', mountAdvice)];
  const mounts = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  return [versionFinding(mode), controllersFinding(mode, mounts), writableFinding(mode, mounts), killFinding(mode)];
}

/** The controllers that containers can be limited with. */
export function availableControllers(mode: CgroupMode, mounts: readonly MountEntry[], v2Controllers: string): string[] {
  if (mode === 'v2') return v2Controllers.split(/\s+/).filter((name) => name !== '');
  const options = mounts.filter(({ type }) => type === 'cgroup').flatMap(({ superOptions }) => superOptions);
  return [...new Set(options.filter((option) => v1Wanted.includes(option)))].sort();
}

function versionFinding(mode: CgroupMode): Finding {
  if (mode === 'v2') return ok('cgroup', 'version 2');
  const detail = mode === 'hybrid' ? 'version 1, with an empty version 2 beside it (hybrid)' : 'version 1';
  return ok('cgroup', detail);
}

function controllersFinding(mode: CgroupMode, mounts: readonly MountEntry[]): Finding {
  const v2 = mode === 'v2' ? readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8') : '';
  const found = availableControllers(mode, mounts, v2);
  const missing = (mode === 'v2' ? wanted : v1Wanted).filter((name) => !found.includes(name));
  if (missing.length === 0) return ok('controllers', found.join(', '));
  const detail = `${found.join(', ') || 'none'}; missing: ${missing.join(', ')}`;
  return warn('controllers', detail, 'containers cannot be limited in what is missing: enable it in the kernel');
}

function writableFinding(mode: CgroupMode, mounts: readonly MountEntry[]): Finding {
  const points = mounts.filter(({ type }) => type === (mode === 'v2' ? 'cgroup2' : 'cgroup'));
  const refused = points.map(({ mountPoint }) => mountPoint).filter((path) => !isWritable(path));
  if (refused.length === 0) return ok('cgroup access', 'groups can be made');
  const detail = `cannot write ${refused.join(', ')}`;
  return fail('cgroup access', detail, 'run berthd as root, on a host where /sys/fs/cgroup is not read-only');
}

function killFinding(mode: CgroupMode): Finding {
  const file = join('/sys/fs/cgroup', readOwnV2Path(), 'cgroup.kill');
  if (mode === 'v2' && allows(file, constants.F_OK)) return ok('cgroup.kill', 'available');
  return ok('cgroup.kill', 'not used: processes are frozen and killed one by one');
}

function readOwnV2Path(): string {
  return /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
}

function isWritable(path: string): boolean {
  return allows(path, constants.W_OK);
}

function allows(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
