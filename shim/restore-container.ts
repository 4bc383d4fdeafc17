// Restore: a created container whose start lets the runtime and CRIU bring back what a checkpoint holds.
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { failpoint } from '../src/base/failpoint.js';
import { makeDirectory } from '../src/base/make-directory.js';
import { messageOf } from '../src/domain/errors.js';
import { unknownExitStatus } from '../src/domain/exit.js';
import { nowNanos } from '../src/domain/time.js';
import { containerCgroupOf } from '../src/linux/cgroup.js';
import type { RestoreFacts } from './checkpoint-image.js';
import type { Container } from './container.js';
import { bringUp } from './runtime-process.js';
import type { ProcessIo } from './stdio/process-io.js';

/** CRIU's logs may quote of what is in memory. */
const workMode = 0o700;

/** What Start has to restore; the stdio is open since Create. */
export interface PendingRestore extends RestoreFacts {
  readonly imagePath: string;
  /** Empty: in the bundle, and gone after a success. */
  readonly workPath: string;
  readonly noPivotRoot: boolean;
  readonly io: ProcessIo;
}

/** A failure leaves no process and no cgroup; the task can then only be deleted. */
export async function restoreContainer(container: Container, plan: PendingRestore): Promise<void> {
  const { id, bundle, runc, init, reaper, log } = container.parts;
  const workPath = plan.workPath === '' ? join(bundle, 'criu-work') : resolve(plan.workPath);
  const imagePath = resolve(plan.imagePath);
  const { terminal } = init.stdio;
  const { descriptors } = plan.io;
  const pidFile = join(bundle, 'init.pid');
  const console = plan.io.consoleSocket === undefined ? {} : { consoleSocket: plan.io.consoleSocket };
  try {
    makeDirectory(workPath, workMode);
    failpoint('shim.restore-begun');
    await bringUp(reaper, {
      process: init,
      io: plan.io,
      pidFile,
      make: () =>
        runc.restore(id, { ...plan, ...console, terminal, imagePath, bundle, workPath, pidFile }, descriptors),
      onBorn: () => {
        container.cgroup = containerCgroupOf(init.pid);
        init.step('start');
        container.adopt(init);
        container.watchCgroups();
      },
    });
  } catch (error) {
    await runc.delete(id, true).catch((failure: unknown) => {
      log.warn('removing a half-restored container failed', { error: messageOf(failure) });
    });
    if (init.state === 'created') init.markEnded(neverRan());
    throw error;
  } finally {
    if (plan.workPath === '') rmSync(workPath, { recursive: true, force: true });
  }
}

/** Who waits for it must not wait for ever. No exit is told, since nothing was started. */
function neverRan() {
  const provenance = 'unknown' as const;
  return { pid: 0, status: unknownExitStatus, signal: 0, exitedAt: nowNanos(), provenance, oomKilled: false };
}
