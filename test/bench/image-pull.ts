// Pull and unpack of an image of many small files from a registry on loopback, and what Version takes meanwhile.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { poll } from '../../src/base/deadline.js';
import { VersionService } from '../../src/generated/containerd/services/version/v1/version.js';
import { Empty } from '../../src/generated/google/protobuf/empty.js';
import type { TestDaemon } from '../helpers/daemon.js';
import { type Benchmark, compare, withDaemons } from './context.js';
import { type ManyFilesImage, withManyFilesImage } from './many-files-image.js';
import type { Measurement } from './measurement.js';
import { timed } from './rounds.js';
import { runQuickly } from './run-quickly.js';
import { quantile } from './statistics.js';

/** Between one answer of Version and the next question. */
const probePauseMs = 2;
const versionP99Ms = 20;
/** Of tens of thousands of files. */
const removalLimitMs = 60_000;

export const imagePull: Benchmark = {
  name: 'image-pull',
  title: '`ctr image pull` of 200 MB in many small files, and Version meanwhile',
  run: async (context) =>
    await withManyFilesImage(
      context.size(200, 20),
      async (image) =>
        await withDaemons(async (daemons) => {
          const pulls = await compare(context, { usual: 3, warmUps: 1 }, daemons, async (daemon) => {
            const took = await timed(async () => await pull(daemon, image));
            await remove(daemon, image);
            return took;
          });
          const answers = await compare(context, { usual: 2, warmUps: 0 }, daemons, async (daemon) => {
            const slowest = await versionDuring(daemon, async () => await pull(daemon, image));
            await remove(daemon, image);
            return slowest;
          });
          const what = `${image.mebibytes} MB in ${image.files} files`;
          const rows: Measurement[] = [
            { group: 'images', name: `pull and unpack of ${what}`, unit: 'ms', target: { ratio: 1.2 }, ...pulls },
            { group: 'images', name: 'Version during it, p99', unit: 'ms', target: { most: versionP99Ms }, ...answers },
          ];
          return rows;
        }),
    ),
};

async function pull(daemon: TestDaemon, { reference }: ManyFilesImage): Promise<void> {
  const [file = '', ...args] = daemon.ctrCommand(['image', 'pull', '--plain-http', reference]);
  await runQuickly(file, args);
}

/**
 * Waits until the content and the snapshots are gone as well. containerd removes directories before it answers, Berth
 * renames them and removes them later: that would go on in the other's turn.
 */
async function remove(daemon: TestDaemon, { reference }: ManyFilesImage): Promise<void> {
  const [file = '', ...args] = daemon.ctrCommand(['image', 'rm', '--sync', reference]);
  await runQuickly(file, args);
  const directories = join(daemon.root, 'snapshots');
  const isRemoved = () => !existsSync(directories) || !readdirSync(directories).some(isBeingRemoved) || undefined;
  await poll(isRemoved, { limitMs: removalLimitMs, intervalMs: 20, what: 'the snapshots to be removed' });
}

function isBeingRemoved(name: string): boolean {
  return name.startsWith('removed-');
}

/** The 99th of a hundred answers while `work` is under way. */
async function versionDuring(daemon: TestDaemon, work: () => Promise<void>): Promise<number> {
  const over = new AbortController();
  const working = work().finally(() => over.abort());
  const samples: number[] = [];
  while (!over.signal.aborted) {
    samples.push(await timed(async () => await daemon.call(VersionService.version, Empty.create())));
    await sleep(probePauseMs);
  }
  await working;
  return quantile(
    samples.toSorted((a, b) => a - b),
    0.99,
  );
}
