// Whether a daemon answers. That none runs is no failure of the host's.
import { accessSync, constants } from 'node:fs';
import { withDeadline } from '../../base/deadline.js';
import { isBerthError, messageOf } from '../../domain/errors.js';
import {
  type LaunchesResponse,
  MaintenanceService,
  type ShimHealth,
  type StorageDirectory,
  type Zygote,
} from '../../generated/berth/v1/maintenance.js';
import { VersionService } from '../../generated/containerd/services/version/v1/version.js';
import { isTcp, socketPath } from '../endpoint.js';
import type { Session } from '../session.js';
import { type Finding, ok, warn } from './finding.js';

/** A daemon that is well answers at once. */
const answerLimitMs = 5_000;

const { launches } = MaintenanceService;

export async function checkDaemon(session: Session): Promise<Finding[]> {
  const { address } = session.globals;
  const path = isTcp(address) ? address : socketPath(address);
  try {
    const connection = await session.connect();
    const answer = connection.unary(VersionService.version, {});
    const { version } = await withDeadline(answer, answerLimitMs, `the answer of berthd at ${path}`);
    return [
      ok('daemon', `berthd ${version} at ${path}`),
      ...(await connection.unary(MaintenanceService.storage, {})).directories.map(storageFinding),
      launchFinding(await connection.unary(launches, {})),
      ...shimFindings((await connection.unary(MaintenanceService.shims, {})).shims),
    ];
  } catch (error) {
    if (isBerthError(error, 'unavailable')) return [unreachable(path)];
    return [warn('daemon', messageOf(error), "look into berthd's log")];
  }
}

function unreachable(path: string): Finding {
  if (isRefused(path)) {
    return warn('daemon', `no permission to use ${path}`, "run as root, or join the socket's group");
  }
  return warn('daemon', `none answers at ${path}`, "start 'berthd' as root, or name its socket with --address");
}

function isRefused(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EACCES';
  }
}

/** A full disk mends itself once there is room; what the kernel has made read-only is often in need of more. */
export function storageFinding({ name, path, failure }: StorageDirectory): Finding {
  if (failure === '') return ok('storage', `${name} ${path} takes writes`);
  const advice =
    'make room, or mend the file system; berthd goes on by itself, with a restart where it had to be unmounted';
  return warn('storage', `${name} ${path} takes no writes: ${failure}`, advice);
}

/** How its shims were launched; a rung that fails costs time, and the next one does its work. */
export function launchFinding({ rungs, zygote }: LaunchesResponse): Finding {
  const counts = rungs.map(
    ({ name, launched, failed }) => `${launched} by ${name}${failed > 0n ? ` (${failed} failed)` : ''}`,
  );
  if (zygote !== undefined) counts.push(describeZygote(zygote));
  const detail = counts.join(', ');
  const isWell = rungs.every(({ failed }) => failed === 0n) && zygote?.pid !== 0;
  if (isWell) return ok('shim launches', detail);
  return warn('shim launches', detail, "berthd's log tells why a way of launching shims failed");
}

/** One finding for all that are well, and one for each that is not or was not. */
export function shimFindings(shims: readonly ShimHealth[]): Finding[] {
  const well = shims.filter(({ answers }) => answers).length;
  const troubled = shims.filter(({ answers, hangs, droppedBytes }) => !answers || hangs > 0 || droppedBytes > 0n);
  return [ok('shims', `${well} of ${shims.length} answer`), ...troubled.map(troubleOf)];
}

function troubleOf({ namespace, containerId, pid, answers, circuitOpen, hangs, droppedBytes }: ShimHealth): Finding {
  const facts = [`the shim of ${namespace}/${containerId} (pid ${pid}) ${answers ? 'answers' : 'does not answer'}`];
  if (circuitOpen) facts.push('calls to it fail at once');
  if (hangs > 0) facts.push(`${hangs} before it hung and were replaced`);
  if (droppedBytes > 0n) facts.push(`${droppedBytes} bytes of output dropped, since nobody read them`);
  return warn('shim', facts.join(', '), `berth -n ${namespace} explain ${containerId}`);
}

function describeZygote({ pid, restarts, repeatedForks }: Zygote): string {
  const facts = [pid === 0 ? 'no zygote now' : `zygote ${pid}`];
  if (restarts > 0n) facts.push(`${restarts} replaced`);
  if (repeatedForks > 0n) facts.push(`${repeatedForks} forks repeated`);
  return facts.join(', ');
}
