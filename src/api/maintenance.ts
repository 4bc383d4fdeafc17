// berth.v1.Maintenance: check, explain, and an end in order.
import { type LaunchRung, MaintenanceService, type Zygote } from '../generated/berth/v1/maintenance.js';
import type { Duration } from '../generated/google/protobuf/duration.js';
import type { RungCounts, ZygoteCounts } from '../shims/launch-counts.js';
import { check } from '../supervisor/check/check.js';
import { explain } from '../supervisor/explain.js';
import { shimHealth } from '../supervisor/shim-health.js';
import { storageHealth } from '../supervisor/storage-health.js';
import { stopAllTasks } from '../supervisor/stop-all-tasks.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';
import type { Handlers } from './service.js';

/** podman's default between SIGTERM and SIGKILL. */
const defaultStopTimeoutMs = 10_000;

export function maintenanceHandlers(supervisor: Supervisor): Handlers<typeof MaintenanceService> {
  return {
    check: async ({ repair }) => {
      const { findings, lookedAt } = await check(supervisor, { repair });
      const counts = [...lookedAt].map(([name, count]) => [name, BigInt(count)] as const);
      return { findings: [...findings], lookedAt: Object.fromEntries(counts) };
    },
    explain: async ({ containerId }, call) => {
      const { entries, facts } = await explain(supervisor, call.container(containerId));
      return {
        entries: entries.map(({ time, ...rest }) => ({ time: timestampFromNanos(time), ...rest })),
        facts: facts.map(([name, value]) => ({ name, value })),
      };
    },
    launches: async () => {
      const { rungs, zygote } = supervisor.launchCounts();
      return { rungs: rungs.map(rungMessage), zygote: zygote && zygoteMessage(zygote) };
    },
    shims: async () => {
      const shims = await shimHealth(supervisor);
      return { shims: shims.map(({ id, ...rest }) => ({ containerId: id, ...rest })) };
    },
    storage: async () => ({ directories: await storageHealth(supervisor) }),
    collectGarbage: async () => {
      const { pauseMs, ...counts } = await supervisor.images.garbage.collect();
      return { ...counts, pause: durationFromMillis(pauseMs) };
    },
    shutdown: async ({ stopContainers, timeout }) => {
      const timeoutMs = timeout === undefined ? defaultStopTimeoutMs : millisOf(timeout);
      const stoppedContainers = stopContainers ? await stopAllTasks(supervisor, timeoutMs) : 0;
      supervisor.requestStop();
      return { stoppedContainers };
    },
  };
}

function rungMessage({ name, launched, failed }: RungCounts): LaunchRung {
  return { name, launched: BigInt(launched), failed: BigInt(failed) };
}

function zygoteMessage({ pid = 0, restarts, repeatedForks }: ZygoteCounts): Zygote {
  return { pid, restarts: BigInt(restarts), repeatedForks: BigInt(repeatedForks) };
}

function millisOf({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1000 + nanos / 1_000_000;
}

function durationFromMillis(millis: number): Duration {
  const seconds = Math.floor(millis / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((millis - seconds * 1000) * 1_000_000) };
}
