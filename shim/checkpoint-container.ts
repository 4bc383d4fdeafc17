// Checkpoint: the runtime and CRIU dump the container. A failure leaves it as it was, and no half image.
import { copyFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { DeadlineError, withDeadline } from '../src/base/deadline.js';
import { failpoint } from '../src/base/failpoint.js';
import { makeDirectory } from '../src/base/make-directory.js';
import { BerthError, messageOf } from '../src/domain/errors.js';
import { CheckpointOptions } from '../src/generated/containerd/runc/v1/oci.js';
import type { CheckpointTaskRequest } from '../src/generated/containerd/task/v3/shim.js';
import { freezeCgroup, hasFreezer, thawCgroup } from '../src/linux/freezer.js';
import { ImageDirectory } from './checkpoint-image.js';
import type { Container } from './container.js';
import { noticeFreezer } from './pause-container.js';

const typeName = 'containerd.runc.v1.CheckpointOptions';
/** Kept in the bundle after a failure, as containerd keeps it. */
const dumpLogName = 'criu-dump.log';
/** What is in memory may be secret, and CRIU's logs quote of it. */
const workMode = 0o700;
const cgroupsModes = ['', 'soft', 'full', 'strict', 'ignore'];
/** CRIU has killed the container when the runtime returns. */
const exitTimeoutMs = 10_000;

export async function checkpointContainer(container: Container, request: CheckpointTaskRequest): Promise<void> {
  const options = decodeOptions(request.options);
  const path = request.path === '' ? options.imagePath : request.path;
  if (path === '') throw new BerthError('invalid-argument', `the checkpoint of task ${container.id} has no image path`);
  refuseBadPaths([path, options.workPath, options.parentPath]);
  noticeFreezer(container);
  refuseUnfit(container);
  const image = new ImageDirectory(resolve(path));
  const paused = container.init.state === 'paused';
  container.checkpointing = true;
  try {
    failpoint('shim.checkpoint-begun');
    await dump(container, options, image.staging);
    failpoint('shim.checkpoint-dumped');
    image.publish({ ...options });
    failpoint('shim.checkpoint-published');
  } catch (error) {
    image.discard();
    await restoreFreezer(container, paused);
    throw error;
  } finally {
    container.checkpointing = false;
  }
  if (options.exit) await waitForEnd(container);
}

function refuseBadPaths(paths: readonly string[]): void {
  const bad = paths.find((path) => path.includes('\0'));
  if (bad !== undefined) throw new BerthError('invalid-argument', `${JSON.stringify(bad)} is no path`);
}

async function dump(container: Container, options: CheckpointOptions, imagePath: string): Promise<void> {
  const { bundle, runc } = container.parts;
  const workPath = options.workPath === '' ? join(bundle, 'criu-work') : resolve(options.workPath);
  try {
    makeDirectory(workPath, workMode);
    await runc.checkpoint(container.id, {
      ...options,
      imagePath,
      workPath,
      leaveRunning: !options.exit,
      // CRIU wants it relative to the image, and keeps it so, as a link beside the image's files.
      parentPath: options.parentPath === '' ? '' : relative(imagePath, options.parentPath),
    });
  } catch (error) {
    keepLog(join(workPath, 'dump.log'), join(bundle, dumpLogName));
    throw error;
  } finally {
    if (options.workPath === '') rmSync(workPath, { recursive: true, force: true });
  }
}

function decodeOptions(any: CheckpointTaskRequest['options']): CheckpointOptions {
  if (any === undefined || any.typeUrl === '') return CheckpointOptions.decode(new Uint8Array());
  if (!any.typeUrl.endsWith(typeName)) {
    throw new BerthError('invalid-argument', `checkpoint options of type ${any.typeUrl}: expected ${typeName}`);
  }
  let options: CheckpointOptions;
  try {
    options = CheckpointOptions.decode(any.value);
  } catch (error) {
    throw new BerthError('invalid-argument', `malformed checkpoint options: ${messageOf(error)}`, { cause: error });
  }
  if (!cgroupsModes.includes(options.cgroupsMode)) {
    throw new BerthError('invalid-argument', `unknown cgroups mode ${options.cgroupsMode}`);
  }
  return options;
}

/** CRIU dumps a tree from its root; an exec's process is no descendant of init's, and so could not be restored. */
function refuseUnfit(container: Container): void {
  const { init, execs } = container;
  if (init.state !== 'running' && init.state !== 'paused') {
    throw new BerthError('failed-precondition', `cannot checkpoint ${init.label}: ${init.state}`);
  }
  const living = [...execs.values()].filter((exec) => exec.pid !== 0 && exec.state !== 'stopped');
  if (living.length > 0) {
    const names = living.map((exec) => exec.names.execId).join(', ');
    throw new BerthError('failed-precondition', `cannot checkpoint ${init.label}: its exec ${names} is running`);
  }
}

/** CRIU thaws what it froze, unless it was killed. */
async function restoreFreezer({ cgroup, init, parts }: Container, paused: boolean): Promise<void> {
  if (init.state === 'stopped' || !hasFreezer(cgroup)) return;
  try {
    if (paused) await freezeCgroup(cgroup);
    else thawCgroup(cgroup);
  } catch (error) {
    parts.log.error('the freezer could not be put back after a failed checkpoint', { error: messageOf(error) });
  }
}

/** So that whoever is answered finds the task stopped. */
async function waitForEnd({ init, parts }: Container): Promise<void> {
  try {
    await withDeadline(init.ended, exitTimeoutMs, `the end of ${init.label}`);
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    parts.log.error('a checkpointed container has not ended', { error: error.message });
  }
}

function keepLog(from: string, to: string): void {
  try {
    copyFileSync(from, to);
  } catch {
    // CRIU did not come so far as to write one.
  }
}
