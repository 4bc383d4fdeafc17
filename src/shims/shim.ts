// The daemon's end of one of Berth's own shims: its task API, and its stream of events with their acknowledgement.
import { closeSync, openSync } from 'node:fs';
import type { TaskRecord } from '../domain/records.js';
import {
  type AdoptRequest,
  type ProcessState,
  ShimDefinition,
  type ShimEvent,
} from '../generated/berth/shim/v1/shim.js';
import { TaskDefinition } from '../generated/containerd/task/v3/shim.js';
import { type Client, type TtrpcConnection, dialTtrpc } from '../ttrpc/client.js';
import { AcknowledgementQueue } from './acknowledgement-queue.js';
import type { ShimIdentity, TaskShim } from './task-shim.js';

/** Milliseconds a shim has to accept a connection and to say who it is. */
const connectTimeoutMs = 5000;

export class Shim implements TaskShim {
  readonly task: Client<typeof TaskDefinition>;
  readonly identity: ShimIdentity;
  readonly greeting: readonly ProcessState[] | undefined;
  readonly #connection: TtrpcConnection;
  readonly #api: Client<typeof ShimDefinition>;

  private constructor(connection: TtrpcConnection, identity: ShimIdentity, greeting?: readonly ProcessState[]) {
    this.#connection = connection;
    this.identity = identity;
    this.greeting = greeting;
    this.task = connection.client(TaskDefinition);
    this.#api = connection.client(ShimDefinition);
  }

  /** Connects to a shim that has just said who it is: it need not be asked. */
  static async connectTo(bundle: string, identity: ShimIdentity): Promise<Shim> {
    return new Shim(await dialInside(bundle), identity);
  }

  /** Connects to the shim that serves `bundle`; `unavailable` when none does. */
  static async connect(bundle: string): Promise<Shim> {
    const connection = await dialInside(bundle);
    try {
      const api = connection.client(ShimDefinition);
      const { shimId, pid, processes } = await api.connect({}, { timeoutMs: connectTimeoutMs });
      return new Shim(connection, { shimId, pid }, processes);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async ping(): Promise<void> {
    await this.#api.connect({}, { timeoutMs: connectTimeoutMs });
  }

  /** Init first; none before Create. */
  async processes(): Promise<readonly ProcessState[]> {
    return (await this.#api.connect({}, { timeoutMs: connectTimeoutMs })).processes;
  }

  /** Hands the container of a dead shim over to this one; returns its processes as they are. */
  async adopt(request: AdoptRequest): Promise<readonly ProcessState[]> {
    const { processes } = await this.#api.adopt(request, { timeoutMs: connectTimeoutMs });
    return processes;
  }

  get closed(): Promise<unknown> {
    return this.#connection.closed;
  }

  /** Acknowledges each event once `handle` has settled. */
  async follow(record: () => TaskRecord, handle: (event: ShimEvent) => Promise<void>): Promise<void> {
    const requests = new AcknowledgementQueue(record().shim.sequence);
    try {
      for await (const event of this.#api.events(requests)) {
        await handle(event);
        requests.acknowledge(event.sequence);
      }
    } finally {
      requests.end();
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

/** A socket's path has at most 107 bytes; through the directory's descriptor it is short however long the ids are. */
async function dialInside(bundle: string): Promise<TtrpcConnection> {
  const directory = openSync(bundle, 'r');
  try {
    return await dialTtrpc(`/proc/self/fd/${directory}/shim.sock`, { timeoutMs: connectTimeoutMs });
  } finally {
    closeSync(directory);
  }
}
