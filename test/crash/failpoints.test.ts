// A death at every named point of a task's life, in the daemon or in a shim: the client calls again, and no exit, record or
// container is lost. The points of images and of checkpoints have tests of their own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { poll } from '../../src/base/deadline.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { Faults, faultyDaemon, taskPoints } from '../helpers/faults.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { compareExits } from './chaos/compare-exits.js';
import { EventLog } from './chaos/event-log.js';
import { Random } from './chaos/random.js';
import { Workload } from './chaos/workload.js';

const daemon = useBerthd(faultyDaemon);

const revivePauseMs = 50;
const shimLimitMs = 10_000;

/** What has to be done to a container for its life to pass the point; the others lie on the way of every life. */
const occasions: readonly [RegExp, (id: string) => Promise<void>][] = [
  [/^(adopt|shim\.adopt)/, killShim],
  [/^recover\.(begun|tasks-watched)$/, () => daemon().restart('SIGKILL')],
];
/** Reached only after a death at another point. */
const after: Readonly<Record<string, string>> = { 'recover.leftover-deleted': 'create.init-made' };

const points = taskPoints();

test('the points are there', () => {
  assert.ok(points.length > 30, points.join(' '));
});

for (const point of points) {
  test(`a death at ${point} costs nothing`, async () => {
    const faults = new Faults(daemon());
    const log = new EventLog(daemon());
    const following = log.follow();
    const over = new AbortController();
    const reviving = revive(over.signal);
    try {
      for (const name of [point, after[point]]) if (name !== undefined) faults.armPoint(name);
      const workload = new Workload(daemon(), new Random(1), `${point.replaceAll('.', '-')}-`);
      const occasion = occasions.find(([pattern]) => pattern.test(point))?.[1];
      await workload.once('everything', occasion);
      assert.ok(!faults.isArmed(point), 'nobody has passed the point');
      await assertCheckClean(daemon());
      assert.equal(await compareExits(daemon(), log, workload.expected), 0, 'an exit is told as unknown');
    } finally {
      over.abort();
      await reviving;
      log.stop();
      await following;
    }
  });
}

/** Starts the daemon again whenever it has died. */
async function revive(over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await sleep(revivePauseMs);
    if (daemon().hasDied) await daemon().start();
  }
}

async function killShim(id: string): Promise<void> {
  const file = join(daemon().state, 'tasks', daemon().namespace, id, 'shim.pid');
  const dead = readFileSync(file, 'utf8');
  process.kill(Number(dead), 'SIGKILL');
  const another = () => readFileSync(file, 'utf8') !== dead || undefined;
  await poll(another, { limitMs: shimLimitMs, intervalMs: 20, what: `another shim for ${id}` });
}
