// A daemon that dies at failpoints while it keeps content, and what must hold of its content afterwards.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach } from 'node:test';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { ContentService } from '../../src/generated/containerd/services/content/v1/content.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { listBlobs } from './content.js';
import type { TestDaemon } from './daemon.js';
import { useBerthd } from './use-berthd.js';

/** Collections come when a test asks for one. */
const config = 'gc_delay_ms = 600_000\ngc_interval_seconds = 600';

export class ContentUnderCrash {
  readonly #daemon: () => TestDaemon;

  constructor() {
    // Registered first, so that it runs before the daemon's own check for what is left behind.
    afterEach(() => this.#removeLeases());
    this.#daemon = useBerthd({ config });
  }

  get daemon(): TestDaemon {
    return this.#daemon();
  }

  async arm(failpoint: string): Promise<void> {
    await this.daemon.kill9();
    await this.daemon.start({ BERTH_FAILPOINT: failpoint });
  }

  /** The daemon dies at its failpoint during `work`, and runs again. */
  async diesDuring(work: () => Promise<unknown>): Promise<void> {
    await assert.rejects(work());
    await this.daemon.died();
    await this.daemon.start();
  }

  async lease(id: string): Promise<{ lease: string }> {
    await this.daemon.call(LeasesService.create, { id, labels: {} });
    return { lease: id };
  }

  /** Returns once what only the lease held is gone. */
  async endLease(id: string): Promise<void> {
    await this.daemon.call(LeasesService.delete, { id, sync: true });
  }

  async collect(): Promise<void> {
    await this.lease('collect');
    await this.endLease('collect');
  }

  files(kind: 'blobs/sha256' | 'ingest'): string[] {
    return readdirSync(`${this.daemon.root}/content/${kind}`);
  }

  /** Every blob that is visible is what its name says; their digests. */
  async checkBlobs(): Promise<string[]> {
    const digests = await listBlobs(this.daemon);
    for (const digest of digests) {
      const hex = digest.replace('sha256:', '');
      const content = readFileSync(`${this.daemon.root}/content/blobs/sha256/${hex}`);
      assert.equal(createHash('sha256').update(content).digest('hex'), hex);
      const { info } = await this.daemon.call(ContentService.info, { digest });
      assert.equal(info?.size, BigInt(content.length));
    }
    return digests;
  }

  /** Records and files agree. */
  async checkInvariants(): Promise<void> {
    const { findings } = await this.daemon.call(MaintenanceService.check, { repair: false });
    assert.deepEqual(findings, []);
  }

  /** Nothing is left of anything, once it is collected. */
  async checkEmpty(): Promise<void> {
    await this.collect();
    await this.checkInvariants();
    assert.deepEqual(await listBlobs(this.daemon), []);
    assert.deepEqual([this.files('blobs/sha256'), this.files('ingest')], [[], []]);
  }

  async #removeLeases(): Promise<void> {
    const { leases } = await this.daemon.call(LeasesService.list, { filters: [] });
    for (const { id } of leases) await this.endLease(id);
  }
}
