// Delete: takes away what a process that has ended still holds; with init goes the container.
import { join } from 'node:path';
import { DeadlineError, withDeadline } from '../src/base/deadline.js';
import { failpoint } from '../src/base/failpoint.js';
import { BerthError } from '../src/domain/errors.js';
import { unmountBelow } from '../src/linux/mount.js';
import type { Container } from './container.js';
import type { ContainerProcess } from './container-process.js';
import { forgetPipeInodes } from './stdio/pipe-inodes.js';

/** How long output may take to reach a slow reader: containerd's io drain time-out. */
const drainTimeoutMs = 10_000;
/** A created container's init is only waiting for its start and dies at once. */
const killTimeoutMs = 10_000;

const SIGKILL = 9;

/** May be repeated after a failure. */
export async function deleteContainer(container: Container): Promise<void> {
  const { init } = container;
  if (init.state === 'created' && init.pid !== 0) await endCreated(init);
  refuseLiving(init);
  await Promise.all([init, ...container.execs.values()].map(drain));
  // An exec that the runtime is still making has no container to run in any more.
  container.parts.runc.abandonCalls();
  failpoint('shim.delete-begun');
  await container.parts.runc.deleteEnded(container.id, init.pid);
  failpoint('shim.runtime-deleted');
  container.outOfMemory?.close();
  unmountBelow(join(container.parts.bundle, 'rootfs'));
  for (const process of [init, ...container.execs.values()]) {
    process.io?.close();
    forgetPipeInodes(process.names);
  }
  container.restore?.io.close();
}

export async function deleteExec(container: Container, exec: ContainerProcess): Promise<void> {
  refuseLiving(exec);
  await drain(exec);
  exec.io?.close();
  forgetPipeInodes(exec.names);
  container.execs.delete(exec.names.execId);
}

/** An exec that was never started may go too. */
function refuseLiving(process: ContainerProcess): void {
  if (process.state === 'stopped' || (process.state === 'created' && process.pid === 0)) return;
  throw new BerthError('failed-precondition', `cannot delete ${process.label}: ${process.state}`);
}

async function endCreated(init: ContainerProcess): Promise<void> {
  init.signal(SIGKILL);
  await withDeadline(init.ended, killTimeoutMs, `the end of ${init.label}`);
}

async function drain(process: ContainerProcess): Promise<void> {
  if (process.io === undefined || process.state !== 'stopped') return;
  try {
    await withDeadline(process.io.drained, drainTimeoutMs, `draining the output of ${process.label}`);
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
  }
}
