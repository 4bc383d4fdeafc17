// Daemons that die at a failpoint while a container of an image is made, committed, exported, mounted or deleted.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { mountPointsBelow } from '../../src/linux/mount.js';
import { assertCheckClean } from './check-clean.js';
import type { TestDaemon } from './daemon.js';
import { busyboxLayer, importImage, layerOf, removeImages } from './images.js';

export const image = 'docker.io/example/app:1';

export class StorageCrash {
  readonly #daemon: () => TestDaemon;

  constructor(daemon: () => TestDaemon) {
    this.#daemon = daemon;
  }

  async haveImage(): Promise<void> {
    const layers = [busyboxLayer(this.#daemon()), layerOf(this.#daemon(), { 'data/file': 'x' })];
    const config = { Cmd: ['true'], Volumes: { '/data': {} } };
    await importImage(this.#daemon(), image, (layout) => layout.image(layers, 'amd64', config));
  }

  async berth(...args: string[]): Promise<string> {
    const { stdout, stderr, code } = await this.#daemon().berth(args);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** The daemon dies at `failpoint` during `berth ARGS`, and runs again with everything in order. */
  async diesAt(failpoint: string, ...args: string[]): Promise<void> {
    const daemon = this.#daemon();
    await daemon.kill9();
    await daemon.start({ BERTH_FAILPOINT: failpoint });
    assert.notEqual((await daemon.berth(args)).code, 0, failpoint);
    await daemon.died();
    await daemon.start();
    assert.deepEqual(mountPointsBelow(join(daemon.root, 'mounts')), []);
    await assertCheckClean(daemon);
  }

  /** Takes containers and images away, and sees that nothing of them is left. */
  async clear(): Promise<void> {
    const { containers } = await this.#daemon().call(ContainersService.list, { filters: [] });
    for (const { id } of containers) await this.#daemon().berth(['rm', '-f', id]);
    await removeImages(this.#daemon());
    await assertCheckClean(this.#daemon());
  }
}
