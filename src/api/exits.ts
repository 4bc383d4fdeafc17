// berth.v1.Exits: how processes ended, also after their tasks are gone.
import type { Provenance } from '../domain/exit.js';
import type { ExitRecord } from '../domain/records.js';
import { type ExitRecord as WireExit, ExitsService } from '../generated/berth/v1/exits.js';
import { Provenance as WireProvenance } from '../generated/berth/v1/provenance.js';
import { getExit, listExits } from '../supervisor/exits.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';
import type { Handlers } from './service.js';

const provenanceToWire = {
  waited: WireProvenance.WAITED,
  pidfd: WireProvenance.PIDFD,
  journal: WireProvenance.JOURNAL,
  unknown: WireProvenance.UNKNOWN,
  shim: WireProvenance.SHIM,
} as const satisfies Record<Provenance, WireProvenance>;

export function exitsHandlers(supervisor: Supervisor): Handlers<typeof ExitsService> {
  return {
    get: async ({ containerId, execId }, call) => ({
      exit: toWire(await getExit(supervisor, call.container(containerId), execId)),
    }),
    list: async ({ filters }, call) => {
      const exits: WireExit[] = [];
      for await (const record of listExits(supervisor, call.namespace(), filters)) exits.push(toWire(record));
      return { exits };
    },
  };
}

function toWire({ id, status, exitedAt, provenance, ...rest }: ExitRecord): WireExit {
  return {
    ...rest,
    containerId: id,
    exitStatus: status,
    exitedAt: timestampFromNanos(exitedAt),
    provenance: provenanceToWire[provenance],
  };
}
