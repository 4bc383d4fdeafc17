// The events of containerd's API as drafts for the journal: topic, time, and the message as Any.
import type { ProcessExit } from '../domain/exit.js';
import type { ContainerKey } from '../domain/ids.js';
import type { ContainerRecord, EventDraft, Labels, Stdio } from '../domain/records.js';
import { nowNanos } from '../domain/time.js';
import { ContainerCreate, ContainerDelete, ContainerUpdate } from '../generated/containerd/events/container.js';
import { NamespaceCreate, NamespaceDelete, NamespaceUpdate } from '../generated/containerd/events/namespace.js';
import {
  TaskCheckpointed,
  TaskCreate,
  TaskDelete,
  TaskExecAdded,
  TaskExecStarted,
  TaskExit,
  TaskOOM,
  TaskPaused,
  TaskResumed,
  TaskStart,
} from '../generated/containerd/events/task.js';
import type { Mount } from '../generated/containerd/types/mount.js';
import type { ProcessEnd } from './process-end.js';
import { anyFromTyped, timestampFromNanos } from './wire-values.js';

type Encoder<M> = { encode(message: M): { finish(): Uint8Array } };

function draft<M>(namespace: string, topic: string, name: string, encoder: Encoder<M>, message: M): EventDraft {
  const value = encoder.encode(message).finish();
  return { namespace, topic, timestamp: nowNanos(), event: { typeUrl: `containerd.events.${name}`, value } };
}

export function namespaceCreated(name: string, labels: Labels): EventDraft {
  return draft(name, '/namespaces/create', 'NamespaceCreate', NamespaceCreate, { name, labels: { ...labels } });
}

export function namespaceUpdated(name: string, labels: Labels): EventDraft {
  return draft(name, '/namespaces/update', 'NamespaceUpdate', NamespaceUpdate, { name, labels: { ...labels } });
}

export function namespaceDeleted(name: string): EventDraft {
  return draft(name, '/namespaces/delete', 'NamespaceDelete', NamespaceDelete, { name });
}

export function containerCreated({ namespace, id, image, runtime }: ContainerRecord): EventDraft {
  const message = { id, image, runtime: { name: runtime.name, options: anyFromTyped(runtime.options) } };
  return draft(namespace, '/containers/create', 'ContainerCreate', ContainerCreate, message);
}

export function containerUpdated({ namespace, id, image, labels, snapshotKey }: ContainerRecord): EventDraft {
  const message = { id, image, labels: { ...labels }, snapshotKey };
  return draft(namespace, '/containers/update', 'ContainerUpdate', ContainerUpdate, message);
}

export function containerDeleted({ namespace, id }: ContainerKey): EventDraft {
  return draft(namespace, '/containers/delete', 'ContainerDelete', ContainerDelete, { id });
}

export interface TaskCreation extends ContainerKey {
  readonly bundle: string;
  readonly rootfs: Mount[];
  readonly io: Stdio;
  readonly checkpoint: string;
  readonly pid: number;
}

export function taskCreated({ namespace, id, ...rest }: TaskCreation): EventDraft {
  return draft(namespace, '/tasks/create', 'TaskCreate', TaskCreate, { containerId: id, ...rest });
}

export function taskStarted({ namespace, id }: ContainerKey, pid: number): EventDraft {
  return draft(namespace, '/tasks/start', 'TaskStart', TaskStart, { containerId: id, pid });
}

export function execAdded({ namespace, id }: ContainerKey, execId: string): EventDraft {
  return draft(namespace, '/tasks/exec-added', 'TaskExecAdded', TaskExecAdded, { containerId: id, execId });
}

export function execStarted({ namespace, id }: ContainerKey, execId: string, pid: number): EventDraft {
  return draft(namespace, '/tasks/exec-started', 'TaskExecStarted', TaskExecStarted, { containerId: id, execId, pid });
}

/** containerd names the init process by the container's id. */
export function processExited({ namespace, id }: ContainerKey, execId: string, exit: ProcessExit): EventDraft {
  return draft(namespace, '/tasks/exit', 'TaskExit', TaskExit, {
    containerId: id,
    id: execId === '' ? id : execId,
    pid: exit.pid,
    exitStatus: exit.status,
    exitedAt: timestampFromNanos(exit.exitedAt),
  });
}

export function taskPaused({ namespace, id }: ContainerKey): EventDraft {
  return draft(namespace, '/tasks/paused', 'TaskPaused', TaskPaused, { containerId: id });
}

export function taskResumed({ namespace, id }: ContainerKey): EventDraft {
  return draft(namespace, '/tasks/resumed', 'TaskResumed', TaskResumed, { containerId: id });
}

/** `checkpoint` is the directory of the image. */
export function taskCheckpointed({ namespace, id }: ContainerKey, checkpoint: string): EventDraft {
  return draft(namespace, '/tasks/checkpointed', 'TaskCheckpointed', TaskCheckpointed, { containerId: id, checkpoint });
}

export function taskOutOfMemory({ namespace, id }: ContainerKey): EventDraft {
  return draft(namespace, '/tasks/oom', 'TaskOOM', TaskOOM, { containerId: id });
}

export function taskDeleted({ namespace, id }: ContainerKey, end: ProcessEnd): EventDraft {
  return draft(namespace, '/tasks/delete', 'TaskDelete', TaskDelete, {
    containerId: id,
    id: '',
    pid: end.pid,
    exitStatus: end.exitStatus,
    exitedAt: timestampFromNanos(end.exitedAt),
  });
}
