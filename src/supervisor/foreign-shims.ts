// Other people's shims, by containerd's contract: started and cleaned up after by their own binary, and found again where
// they said that they serve. What such a shim leaves when it dies nobody else can serve: its container is ended.
import { existsSync } from 'node:fs';
import { DeadlineError, poll, withDeadline } from '../base/deadline.js';
import { BerthError, isBerthError } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import type { TypedValue } from '../domain/records.js';
import type { Any } from '../generated/google/protobuf/any.js';
import { bundleShimPid } from '../shims/bundle.js';
import { readBootstrap } from '../shims/foreign/bootstrap.js';
import { type EventInboxes } from '../shims/foreign/event-inbox.js';
import { killForeignShim, killShimsIn, removeDeadSocket } from '../shims/foreign/foreign-remains.js';
import { ForeignShim } from '../shims/foreign/foreign-shim.js';
import { launchForeignShim } from '../shims/foreign/launch-foreign-shim.js';
import { type ForeignSettings, runShimBinary } from '../shims/foreign/shim-binary.js';
import type { TaskShim } from '../shims/task-shim.js';
import { deleteIfMade, deleteRuntimeState } from './runtime-state.js';
import { settleEnds } from './settle-ends.js';
import { shimCallTimeoutMs } from './shim-calls.js';
import type { ContainerRemains, ShimKind } from './shim-kind.js';
import type { Supervisor } from './supervisor.js';
import { anyFromTyped } from './wire-values.js';

/** containerd gives a shim 3 s to shut down. */
const shutdownTimeoutMs = 3000;
/** containerd gives the binary's clean-up 5 s; a busy machine gets more. */
const deleteTimeoutMs = 20_000;
/** From SIGKILL to the end of a process. */
const killedTimeoutMs = 2000;
const SIGKILL = 9;

export function foreignShims(settings: ForeignSettings, inboxes: EventInboxes): ShimKind {
  const deleteContainer = async (supervisor: Supervisor, remains: ContainerRemains): Promise<void> => {
    const { namespace, id, bundle, runtime } = remains;
    // The bundle goes after the container has.
    if (!existsSync(bundle)) return;
    const run = { namespace, id, bundle, binary: binaryOf(runtime), input: new Uint8Array() };
    try {
      await runShimBinary(settings, { ...run, action: 'delete', timeoutMs: deleteTimeoutMs });
    } catch (error) {
      // Its package may have been removed; a container of runc's can be deleted without it.
      supervisor.log.warn('the clean-up by a foreign shim has failed', { namespace, containerId: id, error });
      await deleteRuntimeState(supervisor, remains);
    }
    await removeDeadSocket(await readBootstrap(bundle));
  };
  return {
    launch: (_supervisor, { runtime, ...place }) => {
      const options = givenOptions(runtime.options);
      return launchForeignShim(settings, inboxes, { ...place, binary: binaryOf(runtime), options });
    },
    async connect(_supervisor, record) {
      const { namespace, id, bundle, shim } = record;
      if (shim.endpoint === undefined)
        throw new BerthError('unavailable', `no address of the shim of ${id} is recorded`);
      return await ForeignShim.connect({ namespace, id, bundle }, shim.endpoint, inboxes);
    },
    async replace(supervisor, task) {
      const { namespace, id, shim, init } = task.record;
      if (init.state !== 'stopped') {
        const fields = { namespace, containerId: id, shimPid: shim.pid };
        supervisor.log.warn('a foreign shim has died: its container is ended, since no other can serve it', fields);
      }
      await settleEnds(supervisor, task);
      await removeDeadSocket(shim.endpoint);
      return undefined;
    },
    kill: killForeignShim,
    endsAtOnce: false,
    async shutdown({ log }, shim, key) {
      try {
        await endShim(shim, key, inboxes);
      } catch (error) {
        const { pid } = shim.identity;
        log.warn('a foreign shim did not shut down: killing it', {
          namespace: key.namespace,
          containerId: key.id,
          pid,
          error,
        });
        killForeignShim(shim.identity);
      } finally {
        await shim.close();
      }
    },
    async dismiss(supervisor, remains) {
      const endpoint = await readBootstrap(remains.bundle);
      if (endpoint === undefined) return;
      const shim = await ForeignShim.connect(remains, endpoint, inboxes).catch(() => undefined);
      if (shim === undefined) return;
      await endContainer(shim, remains.id).catch((error: unknown) => {
        supervisor.log.warn('a half-created container could not be ended', { containerId: remains.id, error });
      });
      await this.shutdown(supervisor, shim, remains);
    },
    async clear(supervisor, remains) {
      // Without a shim that served nobody can have made a container.
      try {
        if ((await bundleShimPid(remains.bundle)) !== undefined) {
          await deleteIfMade(supervisor, remains, () => deleteContainer(supervisor, remains));
        }
      } finally {
        await killAll(remains);
        await removeDeadSocket(await readBootstrap(remains.bundle));
      }
    },
    deleteContainer,
  };
}

/** A shim that serves other containers too takes the request for what it is, and goes on. */
async function endShim(shim: TaskShim, key: ContainerKey, inboxes: EventInboxes): Promise<void> {
  try {
    await shim.task.shutdown({ id: key.id, now: false }, { timeoutMs: shutdownTimeoutMs });
  } catch (error) {
    // The connection closing under the answer: the shim has ended.
    if (!isBerthError(error, 'unavailable')) throw error;
  }
  if (inboxes.isShared(shim.identity.shimId, key)) return;
  await withDeadline(shim.closed, shutdownTimeoutMs, 'the end of the shim');
  await removeDeadSocket(shim.identity.endpoint);
}

/** For a container that nobody has a record of. */
async function endContainer({ task }: TaskShim, id: string): Promise<void> {
  const limit = { timeoutMs: shimCallTimeoutMs };
  try {
    await task.kill({ id, execId: '', signal: SIGKILL, all: true }, limit);
    await task.wait({ id, execId: '' }, limit);
  } catch (error) {
    // It has ended, or was never made.
    if (!isBerthError(error, 'not-found')) throw error;
  }
  await task.delete({ id, execId: '' }, limit).catch((error: unknown) => {
    if (!isBerthError(error, 'not-found')) throw error;
  });
}

async function killAll({ bundle, runtime }: ContainerRemains): Promise<void> {
  const what = 'the end of what a shim has left';
  try {
    await poll(() => killShimsIn(bundle, binaryOf(runtime)) === 0 || undefined, {
      limitMs: killedTimeoutMs,
      intervalMs: 5,
      what,
    });
  } catch (error) {
    // In uninterruptible sleep: whoever goes on will meet its own deadline.
    if (!(error instanceof DeadlineError)) throw error;
  }
}

function binaryOf({ shim }: ContainerRemains['runtime']): string {
  if (shim === undefined) throw new Error('the task has a shim of its own kind');
  return shim;
}

function givenOptions(options: TypedValue): Any | undefined {
  return options.typeUrl === '' ? undefined : anyFromTyped(options);
}
