// berth.v1.Maintenance: check, explain, and an end in order.
import { MaintenanceService } from '../generated/berth/v1/maintenance.js';
import type { Duration } from '../generated/google/protobuf/duration.js';
import { check } from '../supervisor/check/check.js';
import { explain } from '../supervisor/explain.js';
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
    shutdown: async ({ stopContainers, timeout }) => {
      const timeoutMs = timeout === undefined ? defaultStopTimeoutMs : millisOf(timeout);
      const stoppedContainers = stopContainers ? await stopAllTasks(supervisor, timeoutMs) : 0;
      supervisor.requestStop();
      return { stoppedContainers };
    },
  };
}

function millisOf({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1000 + nanos / 1_000_000;
}
