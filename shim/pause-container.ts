// Pause and resume: the container's freezer, written directly where there is one, which saves a start of the runtime.
import { failpoint } from '../src/base/failpoint.js';
import { BerthError } from '../src/domain/errors.js';
import { freezeCgroup, hasFreezer, isFrozen, thawCgroup } from '../src/linux/freezer.js';
import type { Container } from './container.js';

export async function pauseContainer(container: Container): Promise<void> {
  const { init, cgroup, id } = container;
  noticeFreezer(container);
  init.step('pause');
  failpoint('shim.pause-begun');
  try {
    if (hasFreezer(cgroup)) await freezeCgroup(cgroup);
    else await container.parts.runc.pause(id);
  } catch (error) {
    if (init.state === 'pausing') init.step('pause-failed');
    throw error;
  }
  if (init.state !== 'pausing') throw new BerthError('failed-precondition', `${init.label} ended before it was paused`);
  init.step('paused');
  failpoint('shim.paused');
}

export async function resumeContainer(container: Container): Promise<void> {
  const { init, cgroup, id } = container;
  noticeFreezer(container);
  if (init.state !== 'paused') {
    throw new BerthError('failed-precondition', `cannot resume ${init.label}: ${init.state}`);
  }
  if (hasFreezer(cgroup)) thawCgroup(cgroup);
  else await container.parts.runc.resume(id);
  failpoint('shim.thawed');
  if (init.state === 'paused') init.step('resume');
}

/** Somebody may have paused or resumed the container behind our back (`runc pause`): the kernel knows. */
export function noticeFreezer({ cgroup, init, checkpointing }: Container): void {
  if (checkpointing || (init.state !== 'running' && init.state !== 'paused') || !hasFreezer(cgroup)) return;
  const frozen = isFrozen(cgroup);
  if (frozen && init.state === 'running') {
    init.step('pause');
    init.step('paused');
  } else if (!frozen && init.state === 'paused') {
    init.step('resume');
  }
}

/** A frozen process of v1 takes its SIGKILL only once it is thawed; runc thaws for it too. */
export function thawForKill(container: Container): void {
  noticeFreezer(container);
  if (container.init.state === 'paused' && hasFreezer(container.cgroup)) thawCgroup(container.cgroup);
}
