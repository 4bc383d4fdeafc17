// containerd.services.tasks.v1: the running side of containers.
import { join } from 'node:path';
import { BerthError } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import { type DeleteResponse, TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import type { Descriptor } from '../generated/containerd/types/descriptor.js';
import { addExec } from '../supervisor/add-exec.js';
import { checkpointTask } from '../supervisor/checkpoint-task.js';
import { fetchImage, unpackedImageName } from '../supervisor/checkpoints/stored-image.js';
import { createTask } from '../supervisor/create-task.js';
import { deleteExec } from '../supervisor/delete-exec.js';
import { deleteTask } from '../supervisor/delete-task.js';
import { killProcess } from '../supervisor/kill-process.js';
import type { ProcessEnd } from '../supervisor/process-end.js';
import { pauseTask, resumeTask } from '../supervisor/pause-task.js';
import { closeStdin, listPids, resizeTerminal } from '../supervisor/process-io.js';
import { startProcess } from '../supervisor/start-process.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { taskMetrics } from '../supervisor/task-metrics.js';
import { updateTask } from '../supervisor/update-task.js';
import { waitForExit } from '../supervisor/wait-for-exit.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';
import { processToWire } from './process-message.js';
import type { Handlers } from './service.js';

export function tasksHandlers(supervisor: Supervisor): Handlers<typeof TasksService> {
  return {
    create: async (request, call) => {
      const { rootfs, options, checkpoint } = request;
      const key = call.container(request.containerId);
      const stored = checkpoint === undefined ? {} : { checkpoint: checkpointFrom(supervisor, key, checkpoint) };
      const pid = await createTask(supervisor, { ...key, stdio: stdioOf(request), rootfs, options, ...stored });
      return { containerId: key.id, pid };
    },
    start: async ({ containerId, execId }, call) => ({
      pid: await startProcess(supervisor, call.container(containerId), execId),
    }),
    delete: async ({ containerId }, call) => {
      const key = call.container(containerId);
      return deletionOf(key.id, await deleteTask(supervisor, key));
    },
    deleteProcess: async ({ containerId, execId }, call) =>
      deletionOf(execId, await deleteExec(supervisor, call.container(containerId), execId)),
    get: async ({ containerId, execId }, call) => {
      const task = supervisor.tasks.get(call.container(containerId));
      return { process: processToWire(task, task.process(execId)) };
    },
    list: async (_request, call) => {
      const tasks = supervisor.tasks.list(call.namespace());
      return { tasks: tasks.map((task) => processToWire(task, task.record.init)) };
    },
    kill: async ({ containerId, execId, signal, all }, call) => {
      await killProcess(supervisor, call.container(containerId), { execId, signal, all });
      return {};
    },
    exec: async (request, call) => {
      const { execId, spec } = request;
      await addExec(supervisor, call.container(request.containerId), { execId, spec, stdio: stdioOf(request) });
      return {};
    },
    resizePty: async ({ containerId, execId, width, height }, call) => {
      await resizeTerminal(supervisor, call.container(containerId), execId, { width, height });
      return {};
    },
    closeIo: async ({ containerId, execId, stdin }, call) => {
      const key = call.container(containerId);
      supervisor.tasks.get(key).process(execId);
      if (stdin) await closeStdin(supervisor, key, execId);
      return {};
    },
    listPids: async ({ containerId }, call) => ({
      processes: await listPids(supervisor, call.container(containerId)),
    }),
    wait: async ({ containerId, execId }, call) => {
      const exit = await waitForExit(supervisor, call.container(containerId), execId, call.signal);
      return { exitStatus: exit.status, exitedAt: timestampFromNanos(exit.exitedAt) };
    },
    pause: async ({ containerId }, call) => {
      await pauseTask(supervisor, call.container(containerId));
      return {};
    },
    resume: async ({ containerId }, call) => {
      await resumeTask(supervisor, call.container(containerId));
      return {};
    },
    update: async ({ containerId, resources, annotations }, call) => {
      await updateTask(supervisor, call.container(containerId), { resources, annotations });
      return {};
    },
    checkpoint: async ({ containerId, options, parentCheckpoint }, call) => {
      if (parentCheckpoint !== '') throw noParents(containerId);
      const stored = await checkpointTask(supervisor, call.container(containerId), options, call.scope());
      const descriptors = stored.map(({ annotations, size, ...rest }) => ({
        ...rest,
        size: BigInt(size),
        annotations: { ...annotations },
      }));
      return { descriptors };
    },
    metrics: async ({ filters }, call) => ({
      metrics: await taskMetrics(supervisor, call.namespace(), filters),
    }),
  };
}

function noParents(id: string): BerthError {
  return new BerthError('invalid-argument', `checkpoint of task ${id}: parents are berth.v1.Checkpoints' alone`);
}

/** Unpacks the stored checkpoint into the bundle. */
function checkpointFrom(supervisor: Supervisor, { namespace }: ContainerKey, descriptor: Descriptor) {
  return async (bundle: string): Promise<string> => {
    const directory = join(bundle, unpackedImageName);
    await fetchImage(supervisor, namespace, descriptor, directory);
    return directory;
  };
}

function stdioOf({
  stdin,
  stdout,
  stderr,
  terminal,
}: {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}) {
  return { stdin, stdout, stderr, terminal };
}

function deletionOf(id: ContainerKey['id'], end: ProcessEnd): DeleteResponse {
  return { id, pid: end.pid, exitStatus: end.exitStatus, exitedAt: timestampFromNanos(end.exitedAt) };
}
