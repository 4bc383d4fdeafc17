// Why a shim could not be launched: the reason, and what the shim's own log says of it.
import { DeadlineError } from '../base/deadline.js';
import { BerthError, messageOf } from '../domain/errors.js';
import { shimLogTail } from './bundle.js';
import type { ShimLaunch } from './launcher.js';

export async function launchError(request: ShimLaunch, error: unknown): Promise<BerthError> {
  const reason = error instanceof DeadlineError ? error.message : `cannot launch the shim: ${messageOf(error)}`;
  const tail = await shimLogTail(request.bundle);
  const { namespace, id } = request;
  return new BerthError('unavailable', tail === '' ? reason : `${reason}: ${tail}`, {
    cause: error,
    subject: { namespace, containerId: id },
  });
}
