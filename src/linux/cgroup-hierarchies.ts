// Where a container's control groups are: its directory in each v1 hierarchy by controller, and in the unified one.
import { readFileSync } from 'node:fs';
import { directoryOf } from './cgroup.js';
import { parseMountInfo, type MountEntry } from './mount-info.js';
import { readProcessCgroups, type CgroupMembership } from './process-info.js';

export interface CgroupHierarchies {
  /** v1 alone. */
  readonly controllers: ReadonlyMap<string, string>;
  /** v2: absent where the host has none, present but nearly empty where its controllers are all with v1. */
  readonly unified: string | undefined;
}

/** Undefined when the process is gone, or where nothing sets it apart from this process. */
export function cgroupHierarchiesOf(pid: number): CgroupHierarchies | undefined {
  const theirs = readProcessCgroups(pid);
  const ours = readProcessCgroups('self');
  if (theirs === undefined || ours === undefined) return undefined;
  const found = pickHierarchies(theirs, ours, parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')));
  return found.controllers.size === 0 && found.unified === undefined ? undefined : found;
}

/** Pure part of `cgroupHierarchiesOf`. A group that holds this process too, or all, does not tell of the container alone. */
export function pickHierarchies(
  theirs: readonly CgroupMembership[],
  ours: readonly CgroupMembership[],
  mounts: readonly MountEntry[],
): CgroupHierarchies {
  const controllers = new Map<string, string>();
  let unified: string | undefined;
  for (const member of theirs) {
    const [first] = member.controllers;
    const own = ours.find((candidate) => candidate.controllers[0] === first);
    if (member.path === '/' || own?.path === member.path) continue;
    const directory = directoryOf(member, first, mounts);
    if (directory === undefined) continue;
    if (first === undefined) unified = directory;
    for (const controller of member.controllers) controllers.set(controller, directory);
  }
  return { controllers, unified };
}
