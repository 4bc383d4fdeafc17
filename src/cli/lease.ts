// A lease for as long as `berth` builds something up: what it has made by then stays, or is garbage at once.
import { randomUUID } from 'node:crypto';
import { LeasesService } from '../generated/containerd/services/leases/v1/leases.js';
import type { Connection } from './connection.js';

/** What a `berth` that was killed leaves goes after this; containerd's clients take as long. */
const leaseMs = 24 * 3_600_000;
const expireLabel = 'containerd.io/gc.expire';

export class Lease implements AsyncDisposable {
  readonly #connection: Connection;
  #released = false;

  private constructor(
    connection: Connection,
    readonly id: string,
  ) {
    this.#connection = connection;
  }

  static async take(connection: Connection): Promise<Lease> {
    const id = `berth-cli-${randomUUID()}`;
    const labels = { [expireLabel]: new Date(Date.now() + leaseMs).toISOString() };
    await connection.unary(LeasesService.create, { id, labels });
    return new Lease(connection, id);
  }

  /** What was made under it is kept by other things now. */
  release(): Promise<void> {
    return this.#end(false);
  }

  /** Without a release something has failed: what was made is gone when this resolves. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#end(true);
  }

  async #end(sync: boolean): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#connection.unary(LeasesService.delete, { id: this.id, sync });
  }
}
