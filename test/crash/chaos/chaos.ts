// The chaos run: clients work while a killer goes about; afterwards every invariant must hold, and every exit must have
// been seen once, with the status it really had.
import assert from 'node:assert/strict';
import { poll } from '../../../src/base/deadline.js';
import { EventsService } from '../../../src/generated/berth/v1/events.js';
import { MaintenanceService } from '../../../src/generated/berth/v1/maintenance.js';
import type { TestDaemon } from '../../helpers/daemon.js';
import { EventLog } from './event-log.js';
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
  /** Ends that nobody could measure, and that were told as unknown. */
  readonly unknown: number;
  readonly events: bigint;
}

const catchUpMs = 30_000;
const unknownStatus = 255;

export async function runChaos(daemon: TestDaemon, options: ChaosOptions): Promise<ChaosResult> {
  const log = new EventLog(daemon);
  const following = log.follow();
  try {
    const { workload, killer } = await attack(daemon, options);
    await poll(async () => (await catchUp(daemon, log)) || undefined, {
      limitMs: catchUpMs,
      intervalMs: 100,
      what: 'the subscriber to catch up',
    });
    const { findings } = await daemon.call(MaintenanceService.check, { repair: false });
    assert.deepEqual(findings, []);
    const unknown = compare(workload, log);
    return { kills: killer.counts, processes: workload.expected.length, unknown, events: log.last };
  } finally {
    log.stop();
    await following;
  }
}

async function attack(daemon: TestDaemon, { seed, kills, clients }: ChaosOptions) {
  const workload = new Workload(daemon, new Random(seed));
  const killer = new Killer(daemon, new Random(seed + 1));
  const over = new AbortController();
  const working = Array.from({ length: clients }, async () => {
    try {
      while (!over.signal.aborted) await workload.once();
    } finally {
      over.abort();
    }
  });
  const killing = killer.run(kills, over.signal).finally(() => over.abort());
  for (const end of await Promise.allSettled([killing, ...working])) {
    if (end.status === 'rejected') throw end.reason;
  }
  return { workload, killer };
}

async function catchUp(daemon: TestDaemon, log: EventLog): Promise<boolean> {
  return (await daemon.call(EventsService.head, {})).last === log.last;
}

/** Returns how many ends were told as unknown. */
function compare(workload: Workload, log: EventLog): number {
  assert.deepEqual(log.breaks, []);
  const seen = new Map<string, number>();
  for (const { container, process, status } of log.exits) {
    const name = `${container} ${process}`;
    assert.ok(!seen.has(name), `${name} exits twice`);
    seen.set(name, status);
  }
  let unknown = 0;
  for (const { container, process, status } of workload.expected) {
    const told = seen.get(`${container} ${process}`);
    if (told === unknownStatus && status !== unknownStatus) unknown++;
    else assert.equal(told, status, `${container} ${process}`);
  }
  return unknown;
}
