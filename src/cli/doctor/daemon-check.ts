// Whether a daemon answers. That none runs is no failure of the host's.
import { withDeadline } from '../../base/deadline.js';
import { isBerthError, messageOf } from '../../domain/errors.js';
import { VersionService } from '../../generated/containerd/services/version/v1/version.js';
import { socketPath } from '../connection.js';
import type { Session } from '../session.js';
import { type Finding, ok, warn } from './finding.js';

/** A daemon that is well answers at once. */
const answerLimitMs = 5_000;

export async function checkDaemon(session: Session): Promise<Finding[]> {
  const path = socketPath(session.globals.address);
  try {
    const connection = await session.connect();
    const answer = connection.unary(VersionService.version, {});
    const { version } = await withDeadline(answer, answerLimitMs, `the answer of berthd at ${path}`);
    return [ok('daemon', `berthd ${version} at ${path}`)];
  } catch (error) {
    const advice = "start 'berthd' as root, or name its socket with --address";
    if (isBerthError(error, 'unavailable')) return [warn('daemon', `none answers at ${path}`, advice)];
    return [warn('daemon', messageOf(error), "look into berthd's log")];
  }
}
