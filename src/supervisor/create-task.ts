// Creates a task: its bundle, its shim, `runc create` inside the shim, and then the record. What fails midway is undone;
// what a crash leaves midway has no record, and recovery removes it.
import { failpoint } from '../base/failpoint.js';
import { UndoStack } from '../base/undo-stack.js';
import { BerthError } from '../domain/errors.js';
import { type ContainerKey, keyString } from '../domain/ids.js';
import { completedSpec } from '../domain/oci-spec.js';
import type { ContainerRecord, Stdio, TaskRecord } from '../domain/records.js';
import { nowNanos } from '../domain/time.js';
import type { Mount } from '../generated/containerd/types/mount.js';
import type { Any } from '../generated/google/protobuf/any.js';
import { bundlePath, createBundle } from '../shims/bundle.js';
import type { TaskShim } from '../shims/task-shim.js';
import { taskCreated } from './event-drafts.js';
import { LiveTask } from './live-tasks.js';
import { type ResolvedRuntime, resolveRuntime } from './runtime-options.js';
import { removeLeftover, undoCreation } from './remove-leftover.js';
import { runtimeCallTimeoutMs } from './shim-calls.js';
import { shimKindOf } from './shim-kind.js';
import { taskRootfs } from './storage/mount-container.js';
import type { Supervisor } from './supervisor.js';
import { startTimeOf } from './task-record.js';
import { watchInBackground } from './watch-shim.js';
import { anyFromTyped } from './wire-values.js';

export interface TaskRequest extends ContainerKey {
  readonly stdio: Stdio;
  readonly rootfs: Mount[];
  readonly options: Any | undefined;
  /** Where the options do not name one: gives the directory of an image to restore from, made in the bundle if need be. */
  readonly checkpoint?: (bundle: string) => Promise<string>;
}

/** Returns the pid of the created init process; 0 where its start is to restore it. */
export function createTask(supervisor: Supervisor, request: TaskRequest): Promise<number> {
  return supervisor.queue.run(keyString(request), async () => {
    const container = await taskContainer(supervisor, request);
    const spec = completedSpec(`the spec of container ${container.id}`, container.spec?.value ?? new Uint8Array());
    const { name, options } = container.runtime;
    const resolved = resolveRuntime(supervisor.runtime, {
      namespace: request.namespace,
      name,
      options: request.options ?? anyFromTyped(options),
    });
    await using undo = new UndoStack();
    const bundle = bundlePath(supervisor.stateDirectory, request);
    const place = { namespace: request.namespace, id: request.id, bundle, runtime: resolved.location };
    await removeLeftover(supervisor, request, place.runtime);
    undo.push(() => undoCreation(supervisor, place));
    await createBundle(bundle, { spec, runtime: resolved.location });
    failpoint('create.bundle-made');
    const given = resolved.checkpoint === '' ? await request.checkpoint?.(bundle) : undefined;
    const runtime = { ...resolved, checkpoint: given ?? resolved.checkpoint };
    const kind = shimKindOf(supervisor, resolved.location);
    const shim = await kind.launch(supervisor, place);
    undo.push(() => kind.shutdown(supervisor, shim, place));
    const rootfs = await taskRootfs(supervisor, container, request.rootfs);
    const pid = await createInit(shim, { ...request, rootfs }, { bundle, runtime });
    failpoint('create.init-made');
    const task = await commitCreation(supervisor, shim, request, { bundle, runtime, pid });
    undo.disarm();
    failpoint('create.committed');
    watchInBackground(supervisor, task, shim);
    return pid;
  });
}

async function taskContainer(supervisor: Supervisor, key: ContainerKey): Promise<ContainerRecord> {
  const subject = { namespace: key.namespace, containerId: key.id };
  const container = await supervisor.store.containers.get(key);
  if (container === undefined) throw new BerthError('not-found', `container ${key.id}: not found`, { subject });
  if (supervisor.tasks.find(key) !== undefined) {
    throw new BerthError('already-exists', `task ${key.id}: already exists`, { subject });
  }
  return container;
}

interface Creation {
  readonly bundle: string;
  readonly runtime: ResolvedRuntime;
}

async function createInit(shim: TaskShim, request: TaskRequest, { bundle, runtime }: Creation): Promise<number> {
  const { id, rootfs, stdio } = request;
  const { options, checkpoint } = runtime;
  const { pid } = await shim.task.create(
    { id, bundle, rootfs, ...stdio, checkpoint, parentCheckpoint: '', options },
    { timeoutMs: runtimeCallTimeoutMs },
  );
  return pid;
}

async function commitCreation(
  supervisor: Supervisor,
  shim: TaskShim,
  request: TaskRequest,
  { bundle, runtime, pid }: Creation & { readonly pid: number },
): Promise<LiveTask> {
  const { namespace, id, stdio, rootfs } = request;
  const record: TaskRecord = {
    namespace,
    id,
    bundle,
    runtime: runtime.location,
    shim: { ...shim.identity, sequence: 0n },
    init: { execId: '', stdio, state: 'created', pid },
    initStartTime: startTimeOf(pid),
    execs: {},
    createdAt: nowNanos(),
  };
  const created = taskCreated({ namespace, id, bundle, rootfs, io: stdio, checkpoint: runtime.checkpoint, pid });
  await supervisor.store.commit([supervisor.store.tasks.put(record, record)], [created]);
  const task = new LiveTask(record, shim);
  supervisor.tasks.add(task);
  return task;
}
