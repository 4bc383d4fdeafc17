// The task API as containerd expects it of a shim of its own: every change is told as an event, and what `delete` will
// have to know is written down.
import { writeFileSync } from 'node:fs';
import {
  TaskCheckpointed,
  TaskCreate,
  TaskDelete,
  TaskExecAdded,
  TaskExecStarted,
  TaskPaused,
  TaskResumed,
  TaskStart,
} from '../../src/generated/containerd/events/task.js';
import { Options } from '../../src/generated/containerd/runc/v1/oci.js';
import { type CreateTaskRequest, DeleteResponse } from '../../src/generated/containerd/task/v3/shim.js';
import { runtimeOptions } from '../runtime-options.js';
import type { TaskMethods } from '../task-service.js';
import type { EventFeed } from './event-feed.js';
import { saveTaskFacts } from './task-file.js';
import { taskEvent } from './task-event.js';

/** Where containerd's own shim keeps the runtime's state, and where people look for it. */
const defaultRoot = '/run/containerd/runc';
/** In the bundle: the answer for `delete` after an ordinary delete; the launcher prints it. */
export const deletedFileName = 'deleted';

export function publishCalls(methods: TaskMethods, feed: EventFeed, namespace: string): TaskMethods {
  return { ...methods, ...births(methods, feed, namespace), ...changes(methods, feed) };
}

type Births = Pick<TaskMethods, 'create' | 'start' | 'exec' | 'delete'>;

function births(methods: TaskMethods, feed: EventFeed, namespace: string): Births {
  return {
    create: (request, context) =>
      feed.birth(
        '',
        () => create(methods, withRoot(request), context, namespace),
        ({ pid }) => {
          const { id, bundle, rootfs, checkpoint, stdin, stdout, stderr, terminal } = request;
          const io = { stdin, stdout, stderr, terminal };
          const message = { containerId: id, bundle, rootfs, io, checkpoint, pid };
          return taskEvent('/tasks/create', 'TaskCreate', TaskCreate, message);
        },
      ),
    start: (request, context) =>
      feed.birth(
        request.execId,
        () => methods.start(request, context),
        ({ pid }) => {
          const { id: containerId, execId } = request;
          if (execId === '') return taskEvent('/tasks/start', 'TaskStart', TaskStart, { containerId, pid });
          const message = { containerId, execId, pid };
          return taskEvent('/tasks/exec-started', 'TaskExecStarted', TaskExecStarted, message);
        },
      ),
    exec: async (request, context) => {
      const answer = await methods.exec(request, context);
      const { id: containerId, execId } = request;
      feed.tell(taskEvent('/tasks/exec-added', 'TaskExecAdded', TaskExecAdded, { containerId, execId }));
      return answer;
    },
    delete: async (request, context) => {
      const answer = await methods.delete(request, context);
      if (request.execId !== '') return answer;
      writeFileSync(deletedFileName, DeleteResponse.encode(answer).finish(), { mode: 0o600 });
      // As containerd's shim: of an exec's removal nobody is told.
      feed.tell(taskEvent('/tasks/delete', 'TaskDelete', TaskDelete, { containerId: request.id, ...answer, id: '' }));
      return answer;
    },
  };
}

function changes(methods: TaskMethods, feed: EventFeed): Pick<TaskMethods, 'pause' | 'resume' | 'checkpoint'> {
  return {
    pause: async (request, context) => {
      const answer = await methods.pause(request, context);
      feed.tell(taskEvent('/tasks/paused', 'TaskPaused', TaskPaused, { containerId: request.id }));
      return answer;
    },
    resume: async (request, context) => {
      const answer = await methods.resume(request, context);
      feed.tell(taskEvent('/tasks/resumed', 'TaskResumed', TaskResumed, { containerId: request.id }));
      return answer;
    },
    checkpoint: async (request, context) => {
      const answer = await methods.checkpoint(request, context);
      const message = { containerId: request.id, checkpoint: request.path };
      feed.tell(taskEvent('/tasks/checkpointed', 'TaskCheckpointed', TaskCheckpointed, message));
      return answer;
    },
  };
}

/** Written before anything is made, and again with the pid: a shim may die in between. */
async function create(
  methods: TaskMethods,
  request: CreateTaskRequest,
  context: Parameters<TaskMethods['create']>[1],
  namespace: string,
): ReturnType<TaskMethods['create']> {
  const { binary, root, systemdCgroup } = runtimeOptions(request.options, namespace);
  saveTaskFacts({ binary, root, systemdCgroup, pid: 0 });
  const answer = await methods.create(request, context);
  saveTaskFacts({ binary, root, systemdCgroup, pid: answer.pid });
  return answer;
}

/** The client's options, with containerd's place for the runtime's state where they name none. */
function withRoot(request: CreateTaskRequest): CreateTaskRequest {
  const { options } = request;
  const typeUrl = options === undefined || options.typeUrl === '' ? 'containerd.runc.v1.Options' : options.typeUrl;
  let decoded: Options;
  try {
    decoded = Options.decode(options?.value ?? new Uint8Array());
  } catch {
    // The task API says what is wrong with them.
    return request;
  }
  if (decoded.root !== '') return request;
  const value = Buffer.from(Options.encode({ ...decoded, root: defaultRoot }).finish());
  return { ...request, options: { typeUrl, value } };
}
