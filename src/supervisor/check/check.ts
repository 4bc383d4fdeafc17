// Holds the running Berth against its invariants, one file of this folder each, and mends what can be mended.
import { messageOf } from '../../domain/errors.js';
import type { Supervisor } from '../supervisor.js';
import { blobsHaveFiles } from './blobs-have-files.js';
import { bundleFilesHaveProcesses } from './bundle-files-have-processes.js';
import { bundlesHaveTasks } from './bundles-have-tasks.js';
import { cgroupsHaveTasks } from './cgroups-have-tasks.js';
import { contentHasRecords } from './content-has-records.js';
import { directoriesHaveContainers } from './directories-have-containers.js';
import type { Invariant, Problem } from './invariant.js';
import { journalIsWhole } from './journal-is-whole.js';
import { mountsHaveTasks } from './mounts-have-tasks.js';
import { processesAreAsRecorded } from './processes-are-as-recorded.js';
import { rootMountsAgree } from './root-mounts-agree.js';
import { runtimeStateHasTasks } from './runtime-state-has-tasks.js';
import { shimsHaveTasks } from './shims-have-tasks.js';
import { snapshotDirectoriesHaveRecords } from './snapshot-directories-have-records.js';
import { snapshotsHaveDirectories } from './snapshots-have-directories.js';
import { startsHaveExits } from './starts-have-exits.js';
import { tasksHaveContainers } from './tasks-have-containers.js';
import { tasksHaveShims } from './tasks-have-shims.js';

export interface Finding extends Omit<Problem, 'repair'> {
  readonly invariant: string;
  readonly repaired: boolean;
}

export interface CheckReport {
  readonly findings: readonly Finding[];
  /** How many things each invariant was held against. */
  readonly lookedAt: ReadonlyMap<string, number>;
}

const invariants: readonly Invariant[] = [
  tasksHaveContainers,
  tasksHaveShims,
  processesAreAsRecorded,
  bundlesHaveTasks,
  bundleFilesHaveProcesses,
  shimsHaveTasks,
  runtimeStateHasTasks,
  mountsHaveTasks,
  cgroupsHaveTasks,
  journalIsWhole,
  startsHaveExits,
  blobsHaveFiles,
  contentHasRecords,
  snapshotsHaveDirectories,
  snapshotDirectoriesHaveRecords,
  rootMountsAgree,
  directoriesHaveContainers,
];

export async function check(supervisor: Supervisor, options: { readonly repair: boolean }): Promise<CheckReport> {
  const findings: Finding[] = [];
  const lookedAt = new Map<string, number>();
  for (const { name, examine } of invariants) {
    let looked = 0;
    for await (const problem of examine(supervisor)) {
      looked++;
      if (problem !== undefined) findings.push(await findingOf(name, problem, options.repair));
    }
    lookedAt.set(name, looked);
  }
  return { findings, lookedAt };
}

async function findingOf(invariant: string, problem: Problem, mend: boolean): Promise<Finding> {
  const { repair, ...told } = problem;
  if (!mend || repair === undefined) return { invariant, ...told, repaired: false };
  try {
    await repair();
    return { invariant, ...told, remedy: '', repaired: true };
  } catch (error) {
    return { invariant, ...told, message: `${told.message}; mending it failed: ${messageOf(error)}`, repaired: false };
  }
}
