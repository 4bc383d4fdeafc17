// The daemon's end of a shim that is not Berth's own: containerd's task API, and the events that it forwards.
import type { ContainerKey } from '../../domain/ids.js';
import { isBerthError } from '../../domain/errors.js';
import type { ProcessRecord, ShimEndpoint, TaskRecord } from '../../domain/records.js';
import type { ProcessState, ShimEvent } from '../../generated/berth/shim/v1/shim.js';
import { TaskDefinition as TaskV2 } from '../../generated/containerd/task/v2/shim.js';
import { TaskDefinition as TaskV3 } from '../../generated/containerd/task/v3/shim.js';
import { readProcessStat } from '../../linux/process-info.js';
import { type Client, type TtrpcConnection, dialTtrpc } from '../../ttrpc/client.js';
import type { ShimIdentity, TaskShim } from '../task-shim.js';
import { socketPath } from './bootstrap.js';
import type { EventInbox, EventInboxes } from './event-inbox.js';
import { followInbox } from './follow-inbox.js';
import { ShimLog } from './shim-log.js';

/** Milliseconds a shim has to accept a connection and to say who it is. */
const connectTimeoutMs = 5000;
/** containerd gives a shim as long for the state of a process. */
const stateTimeoutMs = 2000;

export interface ForeignShimPlace extends ContainerKey {
  readonly bundle: string;
}

export class ForeignShim implements TaskShim {
  readonly task: Client<typeof TaskV3>;
  readonly identity: ShimIdentity;
  /** It is asked for each process that the record has. */
  readonly greeting = undefined;
  readonly #place: ForeignShimPlace;
  readonly #connection: TtrpcConnection;
  readonly #inboxes: EventInboxes;
  readonly #inbox: EventInbox;
  readonly #log: ShimLog;

  private constructor(
    place: ForeignShimPlace,
    connection: TtrpcConnection,
    identity: ShimIdentity,
    inboxes: EventInboxes,
  ) {
    this.#place = place;
    this.#connection = connection;
    this.#inboxes = inboxes;
    this.identity = identity;
    this.task = taskApi(connection, identity.endpoint);
    this.#log = ShimLog.open(place.bundle);
    this.#inbox = inboxes.open(place, identity.shimId);
  }

  /** Connects to whoever serves at `endpoint`; `unavailable` when nobody does. */
  static async connect(place: ForeignShimPlace, endpoint: ShimEndpoint, inboxes: EventInboxes): Promise<ForeignShim> {
    const connection = await dialTtrpc(socketPath(endpoint), { timeoutMs: connectTimeoutMs });
    try {
      const { shimPid } = await taskApi(connection, endpoint).connect(
        { id: place.id },
        { timeoutMs: connectTimeoutMs },
      );
      const identity = { shimId: processName(shimPid), pid: shimPid, endpoint };
      return new ForeignShim(place, connection, identity, inboxes);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  get closed(): Promise<unknown> {
    return this.#connection.closed;
  }

  async ping(): Promise<void> {
    await this.task.connect({ id: this.#place.id }, { timeoutMs: connectTimeoutMs });
  }

  /** Those that have not ended by the record; none that the shim does not know. */
  async processes({ init, execs }: TaskRecord): Promise<readonly ProcessState[]> {
    const asked = [...Object.values(execs), init].filter(({ state }) => state !== 'stopped');
    const states = await Promise.all(asked.map((process) => this.#stateOf(process)));
    return states.filter((state) => state !== undefined);
  }

  async follow(record: () => TaskRecord, handle: (event: ShimEvent) => Promise<void>): Promise<void> {
    await followInbox({ shim: this, inbox: this.#inbox, record, handle });
  }

  close(): Promise<void> {
    this.#inboxes.remove(this.#place, this.#inbox);
    this.#log.close();
    return this.#connection.close();
  }

  async #stateOf({ execId, pid: recordedPid }: ProcessRecord): Promise<ProcessState | undefined> {
    try {
      const state = await this.task.state({ id: this.#place.id, execId }, { timeoutMs: stateTimeoutMs });
      const { pid, status, exitStatus, exitedAt } = state;
      // The contract has no word for what was dropped.
      return { execId, pid: pid === 0 ? recordedPid : pid, status, exitStatus, exitedAt, droppedBytes: 0n };
    } catch (error) {
      if (isBerthError(error, 'not-found')) return undefined;
      throw error;
    }
  }
}

/** Names one process for good, though pids are used again. */
export function processName(pid: number): string {
  return `${pid}-${readProcessStat(pid)?.startTime ?? 0}`;
}

function taskApi(connection: TtrpcConnection, endpoint: ShimEndpoint | undefined): Client<typeof TaskV3> {
  return connection.client(endpoint?.version === 3 ? TaskV3 : TaskV2);
}
