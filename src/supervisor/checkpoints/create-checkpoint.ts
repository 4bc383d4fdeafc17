// Makes a checkpoint: the plan is written down, the shim dumps the container beside it, and it enters the catalogue once
// every file has its digest and is on the disk.
import { failpoint } from '../../base/failpoint.js';
import { UndoStack } from '../../base/undo-stack.js';
import type { CheckpointPlan, CheckpointRecord, CheckpointChoices } from '../../domain/checkpoint-record.js';
import { BerthError } from '../../domain/errors.js';
import { checkId, type ContainerKey } from '../../domain/ids.js';
import { nowNanos } from '../../domain/time.js';
import { CheckpointOptions } from '../../generated/containerd/runc/v1/oci.js';
import { dumpTask } from '../checkpoint-task.js';
import { getContainer } from '../get-container.js';
import type { Supervisor } from '../supervisor.js';
import {
  beginDirectory,
  checkpointPath,
  imagePath,
  isWhole,
  newPath,
  removeDirectory,
} from './checkpoint-directory.js';
import { completeCheckpoint } from './complete-checkpoint.js';
import { getCheckpoint, queueKey } from './get-checkpoint.js';
import { settleLeftover } from './sweep-checkpoints.js';
import { criuVersion, runtimeVersion, tracksMemory } from './tools.js';

export interface CheckpointDraft {
  readonly name: string;
  readonly options: CheckpointChoices;
  /** Empty for a whole one. */
  readonly parent: string;
}

export function createCheckpoint(
  supervisor: Supervisor,
  key: ContainerKey,
  draft: CheckpointDraft,
): Promise<CheckpointRecord> {
  checkId('checkpoint name', draft.name);
  const { namespace } = key;
  return supervisor.queue.run(queueKey({ namespace, name: draft.name }), async () => {
    const { checkpointsDirectory } = supervisor;
    const place = { namespace, containerId: key.id, name: draft.name };
    await settleLeftover(supervisor, newPath(checkpointsDirectory, place));
    const plan = await planCheckpoint(supervisor, key, draft);
    await using undo = new UndoStack();
    const directory = await beginDirectory(checkpointsDirectory, plan);
    // An image that came whole of a container that is gone, though its shim died with the answer, is worth keeping.
    undo.push(() => (plan.options.exit && isWhole(directory) ? undefined : removeDirectory(directory)));
    failpoint('checkpoint.begun');
    let record: CheckpointRecord | undefined;
    await dumpTask(supervisor, key, {
      imagePath: imagePath(directory),
      options: dumpOptions(supervisor, plan),
      announced: () => imagePath(checkpointPath(checkpointsDirectory, plan)),
      complete: async () => {
        // The container may be gone by now: what fails from here on is finished at the daemon's next start.
        undo.disarm();
        failpoint('checkpoint.dumped');
        record = await completeCheckpoint(checkpointsDirectory, plan);
        failpoint('checkpoint.published');
        return [supervisor.store.checkpoints.put(record, record)];
      },
    });
    if (record === undefined) throw new Error(`checkpoint ${plan.name} was not completed`);
    return record;
  });
}

async function planCheckpoint(
  supervisor: Supervisor,
  key: ContainerKey,
  { name, options, parent }: CheckpointDraft,
): Promise<CheckpointPlan> {
  const { namespace, id } = key;
  const { store, tasks } = supervisor;
  if ((await store.checkpoints.get({ namespace, name })) !== undefined) {
    throw new BerthError('already-exists', `checkpoint ${name}: already exists`);
  }
  const container = await getContainer(supervisor, key);
  const { binary } = tasks.get(key).record.runtime;
  if (parent !== '' || options.preDump) await checkPreCopy(supervisor, key, { name, options, parent });
  return {
    namespace,
    name,
    containerId: id,
    createdAt: nowNanos(),
    options,
    parent,
    container,
    criuVersion: await criuVersion(supervisor),
    runtimeVersion: await runtimeVersion(supervisor, binary),
  };
}

async function checkPreCopy(supervisor: Supervisor, { namespace, id }: ContainerKey, draft: CheckpointDraft) {
  if (!(await tracksMemory(supervisor))) {
    const message = `checkpoint ${draft.name}: CRIU cannot track changes of memory on this kernel (mem_dirty_track), which pre-dump and parents need`;
    throw new BerthError('failed-precondition', message);
  }
  if (draft.options.preDump && draft.options.exit) {
    throw new BerthError('invalid-argument', `checkpoint ${draft.name}: a pre-dump leaves the container running`);
  }
  if (draft.parent === '') return;
  const parent = await getCheckpoint(supervisor, { namespace, name: draft.parent });
  if (parent.containerId !== id) {
    throw new BerthError('invalid-argument', `checkpoint ${draft.parent} is of ${parent.containerId}, not of ${id}`);
  }
}

function dumpOptions(
  { checkpointsDirectory }: Supervisor,
  { namespace, containerId, options, parent }: CheckpointPlan,
): CheckpointOptions {
  const place = { namespace, containerId, name: parent };
  return CheckpointOptions.fromPartial({
    exit: options.exit,
    openTcp: options.openTcp,
    externalUnixSockets: options.externalUnixSockets,
    terminal: options.shell,
    fileLocks: options.fileLocks,
    emptyNamespaces: [...options.emptyNamespaces],
    preDump: options.preDump,
    parentPath: parent === '' ? '' : imagePath(checkpointPath(checkpointsDirectory, place)),
  });
}
