// Adds an exec to a task; starting it is a call of its own.
import { failpoint } from '../base/failpoint.js';
import { BerthError, isBerthError } from '../domain/errors.js';
import { checkId, type ContainerKey } from '../domain/ids.js';
import { completedProcess } from '../domain/oci-spec.js';
import type { Stdio } from '../domain/records.js';
import type { ExecProcessRequest } from '../generated/containerd/task/v3/shim.js';
import type { Any } from '../generated/google/protobuf/any.js';
import { changeTask } from './change-task.js';
import { commitTask } from './commit-task.js';
import { execAdded } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import { callShim, deleteInShim, shimCallTimeoutMs } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';
import { withProcess } from './task-record.js';

export interface ExecRequest {
  readonly execId: string;
  readonly stdio: Stdio;
  /** The OCI process, as JSON. */
  readonly spec: Any | undefined;
}

export function addExec(supervisor: Supervisor, key: ContainerKey, request: ExecRequest): Promise<void> {
  checkId('exec id', request.execId);
  return changeTask(supervisor, key, async (task) => {
    const { execId, stdio } = request;
    if (task.record.execs[execId] !== undefined) {
      throw new BerthError('already-exists', `process ${execId} in task ${key.id}: already exists`);
    }
    const { state } = task.record.init;
    if (state === 'stopped' || state === 'paused' || state === 'pausing') {
      throw new BerthError('failed-precondition', `task ${key.id} is ${state}: cannot exec in it`);
    }
    const spec = completed(request);
    const wire = { id: key.id, execId, ...stdio, spec };
    await addInShim(supervisor, task, wire);
    failpoint('exec.added');
    const next = withProcess(task.record, { execId, stdio, state: 'created', pid: 0 });
    await commitTask(supervisor, task, next, [execAdded(key, execId)]);
    failpoint('exec.committed');
  });
}

/** An exec that the shim has and the record has not was added by a daemon that was killed before it could say so. */
async function addInShim(supervisor: Supervisor, task: LiveTask, wire: ExecProcessRequest): Promise<void> {
  const add = () => callShim(supervisor, task, shimCallTimeoutMs, (api, options) => api.exec(wire, options));
  try {
    await add();
  } catch (error) {
    if (!isBerthError(error, 'already-exists')) throw error;
    await deleteInShim(supervisor, task, wire.execId);
    await add();
  }
}

function completed({ execId, spec }: ExecRequest): Any {
  if (spec === undefined) throw new BerthError('invalid-argument', `exec ${execId} has no process spec`);
  const value = Buffer.from(completedProcess(`the process spec of exec ${execId}`, spec.value));
  return { typeUrl: spec.typeUrl, value };
}
