// Brings a checkpoint back: into its container, or into a new one. A failure leaves neither task nor container behind.
import { UndoStack } from '../../base/undo-stack.js';
import type { CheckpointKey, CheckpointRecord } from '../../domain/checkpoint-record.js';
import { BerthError } from '../../domain/errors.js';
import { checkId, type ContainerKey } from '../../domain/ids.js';
import { specForRestore } from '../../domain/restored-spec.js';
import type { ContainerRecord, Stdio } from '../../domain/records.js';
import type { Mount } from '../../generated/containerd/types/mount.js';
import { createContainer } from '../create-container.js';
import { createTask } from '../create-task.js';
import { deleteContainer } from '../delete-container.js';
import { deleteTask } from '../delete-task.js';
import { startProcess } from '../start-process.js';
import type { Supervisor } from '../supervisor.js';
import { checkpointPath, imagePath } from './checkpoint-directory.js';
import { getCheckpoint, queueKey } from './get-checkpoint.js';
import { isInPlace } from './image-files.js';

export interface RestoreRequest {
  /** Empty means the container that was checkpointed. */
  readonly containerId: string;
  readonly stdio: Stdio;
  readonly rootfs: Mount[];
}

export interface Restored {
  readonly containerId: string;
  readonly pid: number;
}

export function restoreCheckpoint(
  supervisor: Supervisor,
  key: CheckpointKey,
  request: RestoreRequest,
): Promise<Restored> {
  // In the checkpoint's queue, so that nobody deletes it meanwhile.
  return supervisor.queue.run(queueKey(key), async () => {
    const record = await getCheckpoint(supervisor, key);
    const directory = checkpointPath(supervisor.checkpointsDirectory, record);
    await checkRestorable(record, directory);
    const container = { namespace: key.namespace, id: request.containerId || record.containerId };
    checkId('container id', container.id);
    await using undo = new UndoStack();
    await provideContainer(supervisor, record, container, undo);
    const { stdio, rootfs } = request;
    const checkpoint = () => Promise.resolve(imagePath(directory));
    await createTask(supervisor, { ...container, stdio, rootfs, options: undefined, checkpoint });
    undo.push(async () => {
      await deleteTask(supervisor, container);
    });
    const pid = await startProcess(supervisor, container, '');
    undo.disarm();
    return { containerId: container.id, pid };
  });
}

async function checkRestorable(record: CheckpointRecord, directory: string): Promise<void> {
  const { name, options, files } = record;
  if (options.preDump) {
    throw new BerthError('failed-precondition', `checkpoint ${name} is a pre-dump: only a checkpoint on top restores`);
  }
  for (const file of files) {
    if (await isInPlace(directory, file)) continue;
    throw new BerthError('data-loss', `checkpoint ${name} is damaged: ${file.path} is missing or has another size`);
  }
}

/** The container is there, or is made from what the checkpoint remembers of it. */
async function provideContainer(
  supervisor: Supervisor,
  record: CheckpointRecord,
  target: ContainerKey,
  undo: UndoStack,
): Promise<void> {
  const existing = await supervisor.store.containers.get(target);
  if (existing !== undefined) {
    if (target.id === record.containerId) return;
    throw new BerthError('already-exists', `container ${target.id}: already exists`, {
      subject: { namespace: target.namespace, containerId: target.id },
    });
  }
  await createContainer(supervisor, containerFor(record, target));
  undo.push(() => deleteContainer(supervisor, target));
}

/** A new container does not share the snapshot of the old one: the client mounts its own. */
function containerFor({ container, containerId }: CheckpointRecord, target: ContainerKey): ContainerRecord {
  if (target.id === containerId || container.spec === undefined) return { ...container, ...target };
  const { typeUrl, value } = container.spec;
  const spec = { typeUrl, value: specForRestore(value, containerId, target.id) };
  return { ...container, ...target, spec, snapshotter: '', snapshotKey: '' };
}
