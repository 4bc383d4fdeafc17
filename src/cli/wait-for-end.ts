// How a process ends, for whoever asks before or after: it is waited for, and what has ended is looked up.
import { BerthError, isBerthError } from '../domain/errors.js';
import { type ExitRecord, ExitsService } from '../generated/berth/v1/exits.js';
import { Provenance } from '../generated/berth/v1/provenance.js';
import type { Connection } from './connection.js';
import { tellLost } from './foreground-process.js';
import { getContainer, orUndefined } from './records.js';
import { type ProcessIds, waitForExit } from './wait-for-exit.js';

/** What containerd's API says where the status is unknown. */
const unknownStatus = 255;

/** undefined where nobody has measured it. Throws `not-found` where no such process is known. */
export async function endOf(connection: Connection, ids: ProcessIds): Promise<number | undefined> {
  const waited = await orUndefined(async () => await waitForExit(connection, ids, { onLost: tellLost }));
  if (waited !== undefined && waited !== unknownStatus) return waited;
  const kept = await keptExit(connection, ids);
  if (kept !== undefined) return kept.provenance === Provenance.UNKNOWN ? undefined : kept.exitStatus;
  if (waited !== undefined) return waited;
  await getContainer(connection, ids.containerId);
  const name = ids.execId === '' ? `container ${ids.containerId}` : `exec ${ids.execId} of ${ids.containerId}`;
  throw new BerthError('not-found', `${name} has not been started`);
}

async function keptExit(connection: Connection, ids: ProcessIds): Promise<ExitRecord | undefined> {
  try {
    return await orUndefined(async () => (await connection.unary(ExitsService.get, ids)).exit);
  } catch (error) {
    // The real containerd has no such service.
    if (isBerthError(error, 'unimplemented')) return undefined;
    throw error;
  }
}
