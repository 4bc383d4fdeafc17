// The chaos run: clients work while a killer goes about; afterwards every invariant must hold, and every exit must have
// been seen once, with the status it really had.
import { assertCheckClean } from '../../helpers/check-clean.js';
import type { TestDaemon } from '../../helpers/daemon.js';
import { compareExits } from './compare-exits.js';
import { EventLog } from './event-log.js';
import { ImageWorkload } from './image-workload.js';
import { Killer } from './killer.js';
import { Random } from './random.js';
import { Workload } from './workload.js';

export interface ChaosOptions {
  readonly seed: number;
  readonly kills: number;
  /** Containers at once. */
  readonly clients: number;
}

export interface ChaosResult {
  readonly kills: Killer['counts'];
  readonly processes: number;
  /** Images that were pulled, worked with and removed. */
  readonly images: number;
  /** Ends that nobody could measure, and that were told as unknown. */
  readonly unknown: number;
  readonly events: bigint;
}

export async function runChaos(daemon: TestDaemon, options: ChaosOptions): Promise<ChaosResult> {
  const log = new EventLog(daemon);
  const following = log.follow();
  try {
    const { workload, images, killer } = await attack(daemon, options, log);
    await workload.clients.removeLeases();
    await images.assertNothingLeft();
    await assertCheckClean(daemon);
    const unknown = await compareExits(daemon, log, workload.expected);
    const processes = workload.expected.length;
    return { kills: killer.counts, processes, images: images.rounds, unknown, events: log.last };
  } finally {
    log.stop();
    await following;
  }
}

async function attack(daemon: TestDaemon, { seed, kills, clients }: ChaosOptions, subscriber: EventLog) {
  const workload = new Workload(daemon, new Random(seed));
  const killer = new Killer(daemon, new Random(seed + 1), { clients: workload.clients, subscriber });
  const images = await ImageWorkload.start(daemon, new Random(seed + 2));
  const over = new AbortController();
  const work = async (once: () => Promise<void>): Promise<void> => {
    try {
      while (!over.signal.aborted) await once();
    } finally {
      over.abort();
    }
  };
  const containers = Array.from({ length: clients }, async () => await work(async () => await workload.once()));
  const working = [...containers, work(async () => await images.once())];
  const killing = killer.run(kills, over.signal).finally(() => over.abort());
  const ends = await Promise.allSettled([killing, ...working]);
  await images.stop();
  for (const end of ends) {
    if (end.status === 'rejected') throw end.reason;
  }
  return { workload, images, killer };
}
