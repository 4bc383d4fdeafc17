// Tasks/Checkpoint: the shim has the task dumped into a directory that the client names.
import { rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { withDeadline } from '../base/deadline.js';
import { stagingName } from '../domain/checkpoint-image.js';
import { BerthError, messageOf } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import { CheckpointOptions } from '../generated/containerd/runc/v1/oci.js';
import type { Descriptor } from '../generated/containerd/types/descriptor.js';
import type { Any } from '../generated/google/protobuf/any.js';
import type { Change } from '../store/database.js';
import { changeTask } from './change-task.js';
import { commitTask } from './commit-task.js';
import { taskCheckpointed } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import { callShim, checkpointCallTimeoutMs } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';

const optionsUrl = 'containerd.runc.v1.CheckpointOptions';
/** The exit of a task that its checkpoint ended is on its way when the shim answers. */
const exitTimeoutMs = 10_000;
/** CRIU, undoing a dump whose shim was killed, may still write for a moment into what is being removed. */
const removalRetries = 20;

/** Returns the descriptors of what was stored, which is none: the image is where the options say. */
export async function checkpointTask(
  supervisor: Supervisor,
  key: ContainerKey,
  options: Any | undefined,
): Promise<Descriptor[]> {
  const decoded = decodeCheckpointOptions(options);
  if (decoded.imagePath === '') {
    const message = `checkpoint of task ${key.id}: storing it in the content store is not implemented yet: give an image path`;
    throw new BerthError('unimplemented', message);
  }
  for (const path of [decoded.imagePath, decoded.workPath]) {
    if (path !== '' && !isAbsolute(path)) throw new BerthError('invalid-argument', `${path} is not an absolute path`);
  }
  await dumpTask(supervisor, key, { options: decoded, imagePath: decoded.imagePath });
  return [];
}

export interface Dump {
  readonly options: CheckpointOptions;
  readonly imagePath: string;
  /** Where the event says the image is. */
  readonly announcedPath?: string;
  /** Runs once the image is whole; what it returns is committed with the event. */
  readonly complete?: () => Promise<Change[]>;
}

/** Resolves when the image is complete, and, where the options ask for it, the task's exit is on record. */
export async function dumpTask(supervisor: Supervisor, key: ContainerKey, dump: Dump): Promise<void> {
  const task = await changeTask(supervisor, key, async (task) => {
    await callCheckpoint(supervisor, task, dump);
    const changes = (await dump.complete?.()) ?? [];
    const event = taskCheckpointed(key, dump.announcedPath ?? dump.imagePath);
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
