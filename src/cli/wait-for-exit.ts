// Waits for a process's end, also across a restart of the daemon: the shim holds the process meanwhile.
import { setTimeout as sleep } from 'node:timers/promises';
import { isBerthError } from '../domain/errors.js';
import { TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import type { Connection } from './connection.js';

export interface ProcessIds {
  readonly containerId: string;
  /** Empty for the container's init. */
  readonly execId: string;
}

/** A daemon that is not back by then is not being restarted. */
const reconnectLimitMs = 30_000;
const reconnectIntervalMs = 200;
/** No call to a daemon that is not there lasts as long: its socket refuses at once. */
const refusalLimitMs = 2_000;

export interface WaitSettings {
  /** Told once each time the daemon goes away. */
  readonly onLost: () => void;
  /** Ends the waiting, with an error. */
  readonly signal?: AbortSignal;
}

/** The exit status. */
export async function waitForExit(
  connection: Connection,
  { containerId, execId }: ProcessIds,
  { onLost, ...settings }: WaitSettings,
): Promise<number> {
  let lostAt: number | undefined;
  for (;;) {
    const askedAt = performance.now();
    try {
      const { exitStatus } = await connection.unary(
        TasksService.wait,
        { containerId, execId },
        { endless: true, ...settings },
      );
      return exitStatus;
    } catch (error) {
      if (!isBerthError(error, 'unavailable')) throw error;
      // A call that lasted had reached a daemon: this is another loss.
      if (performance.now() - askedAt > refusalLimitMs) lostAt = undefined;
      if (lostAt === undefined) onLost();
      lostAt ??= performance.now();
      if (performance.now() - lostAt > reconnectLimitMs) throw error;
    }
    await sleep(reconnectIntervalMs, undefined, settings);
  }
}
