// berth.v1.Checkpoints: the catalogue.
import type { CheckpointChoices, CheckpointRecord } from '../domain/checkpoint-record.js';
import { type Checkpoint, CheckpointOptions, CheckpointsService } from '../generated/berth/v1/checkpoints.js';
import { checkpointPath, imagePath } from '../supervisor/checkpoints/checkpoint-directory.js';
import { createCheckpoint } from '../supervisor/checkpoints/create-checkpoint.js';
import { deleteCheckpoint } from '../supervisor/checkpoints/delete-checkpoint.js';
import { getCheckpoint, listCheckpoints } from '../supervisor/checkpoints/get-checkpoint.js';
import { restoreCheckpoint } from '../supervisor/checkpoints/restore-checkpoint.js';
import { verifyCheckpoint } from '../supervisor/checkpoints/verify-checkpoint.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { anyFromTyped, timestampFromNanos } from '../supervisor/wire-values.js';
import type { Handlers } from './service.js';

export function checkpointsHandlers(supervisor: Supervisor): Handlers<typeof CheckpointsService> {
  const toWire = (record: CheckpointRecord): Checkpoint => messageOf(supervisor.checkpointsDirectory, record);
  return {
    create: async ({ containerId, name, options, parent }, call) => {
      const draft = { name, options: choicesOf(options), parent };
      return { checkpoint: toWire(await createCheckpoint(supervisor, call.container(containerId), draft)) };
    },
    list: async ({ filters }, call) => {
      const checkpoints: Checkpoint[] = [];
      for await (const record of listCheckpoints(supervisor, call.namespace(), filters)) {
        checkpoints.push(toWire(record));
      }
      return { checkpoints };
    },
    get: async ({ name }, call) => ({
      checkpoint: toWire(await getCheckpoint(supervisor, { namespace: call.namespace(), name })),
    }),
    verify: async ({ name }, call) => ({
      faults: await verifyCheckpoint(supervisor, { namespace: call.namespace(), name }),
    }),
    delete: async ({ name }, call) => {
      await deleteCheckpoint(supervisor, { namespace: call.namespace(), name });
      return {};
    },
    restore: async ({ name, containerId, stdin, stdout, stderr, terminal, rootfs }, call) => {
      const stdio = { stdin, stdout, stderr, terminal };
      return await restoreCheckpoint(supervisor, { namespace: call.namespace(), name }, { containerId, stdio, rootfs });
    },
  };
}

function choicesOf(options: CheckpointOptions | undefined): CheckpointChoices {
  return options ?? CheckpointOptions.fromPartial({});
}

function messageOf(root: string, record: CheckpointRecord): Checkpoint {
  const { name, containerId, createdAt, options, parent, container, files, size } = record;
  return {
    name,
    containerId,
    createdAt: timestampFromNanos(createdAt),
    options: { ...options, emptyNamespaces: [...options.emptyNamespaces] },
    parent,
    spec: anyFromTyped(container.spec),
    files: [...files],
    size,
    criuVersion: record.criuVersion,
    runtimeVersion: record.runtimeVersion,
    imagePath: imagePath(checkpointPath(root, record)),
  };
}
