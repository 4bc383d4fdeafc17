// What a client does with images and snapshots while things are killed around it: pulls one, makes a snapshot on it, writes,
// commits, collects, and takes all of it away again. What it finds must be what it left.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { ImagesService as TransfersService, type RegistryAccess } from '../../../src/generated/berth/v1/images.js';
import { MaintenanceService } from '../../../src/generated/berth/v1/maintenance.js';
import { ContentService } from '../../../src/generated/containerd/services/content/v1/content.js';
import { ImagesService } from '../../../src/generated/containerd/services/images/v1/images.js';
import { SnapshotsService } from '../../../src/generated/containerd/services/snapshots/v1/snapshots.js';
import { rootLabel } from '../../helpers/content.js';
import type { TestDaemon } from '../../helpers/daemon.js';
import { FakeRegistry } from '../../helpers/fake-registry.js';
import { rawTar } from '../../helpers/raw-tar.js';
import { ownDirectory, Snapshots } from '../../helpers/snapshots.js';
import { isStatus, PersistentClient } from './persistent-client.js';
import type { Random } from './random.js';

/** Several pieces of a transfer. */
const fileBytes = 1_500_000;
const pullPauseMs = 50;
const pullLimitMs = 120_000;
const snapshotter = 'overlayfs';
const access: RegistryAccess = {
  username: '',
  password: '',
  identityToken: '',
  registryToken: '',
  plainHttp: true,
  insecureSkipVerify: false,
  certificateAuthorities: '',
};

export class ImageWorkload {
  readonly #daemon: TestDaemon;
  readonly #client: PersistentClient;
  readonly #random: Random;
  readonly #registry: FakeRegistry;
  #begun = 0;

  private constructor(daemon: TestDaemon, random: Random, registry: FakeRegistry) {
    this.#daemon = daemon;
    this.#client = new PersistentClient(daemon);
    this.#random = random;
    this.#registry = registry;
  }

  static async start(daemon: TestDaemon, random: Random): Promise<ImageWorkload> {
    return new ImageWorkload(daemon, random, await FakeRegistry.start());
  }

  /** Of pulling, working and removing. */
  get rounds(): number {
    return this.#begun;
  }

  async stop(): Promise<void> {
    await this.#registry.stop();
  }

  async once(): Promise<void> {
    const number = ++this.#begun;
    const content = this.#bytes();
    this.#registry.clear();
    this.#registry.image(String(number), content);
    const name = this.#registry.reference(`chaos:${number}`);
    await this.#pull(name);
    await this.#layers(number, content);
    await this.#client.call(ImagesService.delete, { name, sync: this.#random.below(2) === 0, target: undefined }, [
      status.NOT_FOUND,
    ]);
  }

  /** Nothing of it is left once all of it has been let go. */
  async assertNothingLeft(): Promise<void> {
    await this.#client.call(MaintenanceService.collectGarbage, {});
    assert.deepEqual(await new Snapshots(() => this.#daemon).keys(), []);
    const blobs = this.#daemon.stream(ContentService.list, { filters: [] });
    assert.equal(await blobs.ended, undefined);
    assert.deepEqual(
      blobs.received.flatMap(({ info }) => info),
      [],
    );
  }

  #bytes(): Buffer {
    const seed = Buffer.alloc(fileBytes);
    for (let at = 0; at < fileBytes; at += 4) seed.writeUInt32LE(this.#random.below(2 ** 32), at);
    return seed;
  }

  async #pull(reference: string): Promise<void> {
    const request = {
      reference,
      access,
      platforms: ['linux/amd64'],
      allPlatforms: false,
      snapshotter,
      noUnpack: false,
    };
    for (;;) {
      const error = await this.#daemon.stream(TransfersService.pull, request, { limitMs: pullLimitMs }).ended;
      if (error === undefined) return;
      if (!isStatus(error, status.UNAVAILABLE, status.CANCELLED)) throw error;
      await sleep(pullPauseMs);
    }
  }

  /** A snapshot on the image's, written to and committed, and one on that; then they go again, the last first. */
  async #layers(number: number, content: Buffer): Promise<void> {
    const tar = rawTar([{ name: 'file', content }]);
    const image = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
    const [active, layer, view] = [`active-${number}`, `layer-${number}`, `view-${number}`];
    const common = { snapshotter, labels: rootLabel };
    await this.#client.call(SnapshotsService.prepare, { ...common, key: active, parent: image }, [
      status.ALREADY_EXISTS,
    ]);
    const own = ownDirectory(
      (await this.#client.call(SnapshotsService.mounts, { snapshotter, key: active }))?.mounts ?? [],
    );
    writeFileSync(join(own, 'mine'), String(number));
    const commit = { ...common, name: layer, key: active, parent: '' };
    await this.#client.call(SnapshotsService.commit, commit, [status.ALREADY_EXISTS, status.NOT_FOUND]);
    await this.#client.call(SnapshotsService.view, { ...common, key: view, parent: layer }, [status.ALREADY_EXISTS]);
    const seen = await this.#client.call(SnapshotsService.mounts, { snapshotter, key: view });
    const option = seen?.mounts[0]?.options.find((text) => text.startsWith('lowerdir='));
    const [top = '', below = ''] = option?.slice('lowerdir='.length).split(':') ?? [];
    assert.equal(readFileSync(join(top, 'mine'), 'utf8'), String(number));
    assert.ok(readFileSync(join(below, 'file')).equals(content), `the file of image ${number}`);
    for (const key of [view, layer]) {
      await this.#client.call(SnapshotsService.remove, { snapshotter, key }, [status.NOT_FOUND]);
    }
  }
}
