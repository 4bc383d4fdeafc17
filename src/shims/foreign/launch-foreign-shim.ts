// Starts a foreign shim for a bundle, by its own binary, and connects to it.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError, messageOf } from '../../domain/errors.js';
import { type Any, Any as AnyMessage } from '../../generated/google/protobuf/any.js';
import { shimLogTail } from '../bundle.js';
import { parseBootstrap, writeBootstrap } from './bootstrap.js';
import type { EventInboxes } from './event-inbox.js';
import { ForeignShim, type ForeignShimPlace } from './foreign-shim.js';
import { ShimLog } from './shim-log.js';
import { type ForeignSettings, runShimBinary } from './shim-binary.js';

/** As Berth's own fresh shims have; a shim that starts a virtual machine does that in Create. */
const startTimeoutMs = 10_000;

export interface ForeignLaunch extends ForeignShimPlace {
  readonly binary: string;
  readonly options: Any | undefined;
}

/** `unavailable` with what the shim says when it does not come to serve. */
export async function launchForeignShim(
  settings: ForeignSettings,
  inboxes: EventInboxes,
  { binary, options, ...place }: ForeignLaunch,
): Promise<ForeignShim> {
  // A shim opens its log before it serves, and waits until somebody reads it.
  const log = ShimLog.open(place.bundle);
  try {
    // The contract's scratch directory: where the Go shim has CRIU work.
    await mkdir(join(place.bundle, 'work'), { mode: 0o700, recursive: true });
    const input = options === undefined ? new Uint8Array() : AnyMessage.encode(options).finish();
    const run = { ...place, binary, action: 'start', input, timeoutMs: startTimeoutMs } as const;
    const endpoint = parseBootstrap((await runShimBinary(settings, run)).toString('utf8'));
    await writeBootstrap(place.bundle, endpoint);
    const shim = await ForeignShim.connect(place, endpoint, inboxes);
    await writeFile(join(place.bundle, 'shim.pid'), `${shim.identity.pid}\n`, { mode: 0o600 });
    return shim;
  } catch (error) {
    const reason = `cannot launch the shim ${binary}: ${messageOf(error)}`;
    const tail = await shimLogTail(place.bundle);
    const { namespace, id } = place;
    throw new BerthError('unavailable', tail === '' ? reason : `${reason}: ${tail}`, {
      cause: error,
      subject: { namespace, containerId: id },
    });
  } finally {
    log.close();
  }
}
