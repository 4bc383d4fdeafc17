// Tasks/Checkpoint: the shim has the task dumped into a directory that the client names.
import { rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { withDeadline } from '../base/deadline.js';
import { stagingName } from '../domain/checkpoint-image.js';
import { BerthError, messageOf } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import { CheckpointOptions } from '../generated/containerd/runc/v1/oci.js';
import type { Descriptor } from '../domain/image-records.js';
import type { Any } from '../generated/google/protobuf/any.js';
import type { Change } from '../store/database.js';
import type { Scope } from '../images/scope.js';
import { changeTask } from './change-task.js';
import { storeImage, withScratch } from './checkpoints/stored-image.js';
import { commitTask } from './commit-task.js';
import { taskCheckpointed } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import { getContainer } from './get-container.js';
import { callShim, checkpointCallTimeoutMs } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';

const optionsUrl = 'containerd.runc.v1.CheckpointOptions';
/** The exit of a task that its checkpoint ended is on its way when the shim answers. */
const exitTimeoutMs = 10_000;
/** CRIU, undoing a dump whose shim was killed, may still write for a moment into what is being removed. */
const removalRetries = 20;

/** Returns the descriptors of what was stored: none where the options name a path for the image. */
export async function checkpointTask(
  supervisor: Supervisor,
  key: ContainerKey,
  any: Any | undefined,
  scope: Scope,
): Promise<Descriptor[]> {
  const decoded = decodeCheckpointOptions(any);
  // What is Berth's own comes through its catalogue, which has checked it.
  const options = { ...decoded, preDump: false, parentPath: '' };
  if (options.imagePath === '') return await storeTask(supervisor, key, options, scope);
  for (const path of [decoded.imagePath, decoded.workPath]) {
    if (path !== '' && !isAbsolute(path)) throw new BerthError('invalid-argument', `${path} is not an absolute path`);
  }
  await dumpTask(supervisor, key, { options, imagePath: options.imagePath });
  return [];
}

/** The image goes to the content store, where the client makes something of it. */
function storeTask(
  supervisor: Supervisor,
  key: ContainerKey,
  options: CheckpointOptions,
  scope: Scope,
): Promise<Descriptor[]> {
  return withScratch(supervisor, async (directory) => {
    const { spec } = await getContainer(supervisor, key);
    let stored: Descriptor[] = [];
    await dumpTask(supervisor, key, {
      options,
      imagePath: directory,
      complete: async () => {
        stored = await storeImage(supervisor, scope, directory, spec);
        return [];
      },
      announced: () => stored[0]?.digest ?? '',
    });
    return stored;
  });
}

export interface Dump {
  readonly options: CheckpointOptions;
  readonly imagePath: string;
  /** Where the event says the image is, asked once it is complete; without it, the path. */
  readonly announced?: () => string;
  /** Runs once the image is whole; what it returns is committed with the event. */
  readonly complete?: () => Promise<Change[]>;
}

/** Resolves when the image is complete, and, where the options ask for it, the task's exit is on record. */
export async function dumpTask(supervisor: Supervisor, key: ContainerKey, dump: Dump): Promise<void> {
  const task = await changeTask(supervisor, key, async (task) => {
    await callCheckpoint(supervisor, task, dump);
    const changes = (await dump.complete?.()) ?? [];
    const event = taskCheckpointed(key, dump.announced?.() ?? dump.imagePath);
    await commitTask(supervisor, task, task.record, [event], changes);
    return task;
  });
  if (dump.options.exit) await withDeadline(task.exitOf(''), exitTimeoutMs, `the exit of task ${key.id}`);
}

async function callCheckpoint(supervisor: Supervisor, task: LiveTask, { options, imagePath }: Dump): Promise<void> {
  const { id } = task.record;
  const value = Buffer.from(CheckpointOptions.encode(options).finish());
  const request = { id, path: imagePath, options: { typeUrl: optionsUrl, value } };
  try {
    await callShim(supervisor, task, checkpointCallTimeoutMs, (api, how) => api.checkpoint(request, how));
  } catch (error) {
    // A shim that died has not taken away what it had begun.
    await rm(join(imagePath, stagingName), { recursive: true, force: true, maxRetries: removalRetries }).catch(() => {
      supervisor.log.warn('a half checkpoint could not be removed', { containerId: id, path: imagePath });
    });
    throw error;
  }
}

export function decodeCheckpointOptions(any: Any | undefined): CheckpointOptions {
  if (any === undefined || any.typeUrl === '') return CheckpointOptions.fromPartial({});
  if (!any.typeUrl.endsWith(optionsUrl)) {
    throw new BerthError('invalid-argument', `checkpoint options of type ${any.typeUrl} are not ${optionsUrl}`);
  }
  try {
    return CheckpointOptions.decode(any.value);
  } catch (error) {
    throw new BerthError('invalid-argument', `cannot decode the checkpoint options: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
