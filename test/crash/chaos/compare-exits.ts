// The verdict on a run: the subscriber has seen every number once, and every exit once, with the status it really had.
import assert from 'node:assert/strict';
import { poll } from '../../../src/base/deadline.js';
import { EventsService } from '../../../src/generated/berth/v1/events.js';
import type { TestDaemon } from '../../helpers/daemon.js';
import type { EventLog } from './event-log.js';
import type { ExpectedEnd } from './workload.js';

const catchUpMs = 30_000;
const unknownStatus = 255;

/** Returns how many ends were told as unknown, once the subscriber has seen all there is. */
export async function compareExits(
  daemon: TestDaemon,
  log: EventLog,
  expected: readonly ExpectedEnd[],
): Promise<number> {
  const hasAll = async () => (await daemon.call(EventsService.head, {})).last === log.last || undefined;
  await poll(hasAll, { limitMs: catchUpMs, intervalMs: 100, what: 'the subscriber to catch up' });
  assert.deepEqual(log.breaks, []);
  const seen = new Map<string, number>();
  for (const { container, process, status } of log.exits) {
    const name = `${container} ${process}`;
    assert.ok(!seen.has(name), `${name} exits twice`);
    seen.set(name, status);
  }
  let unknown = 0;
  for (const { container, process, status } of expected) {
    const told = seen.get(`${container} ${process}`);
    if (told === unknownStatus && status !== unknownStatus) unknown++;
    else assert.equal(told, status, `${container} ${process}`);
  }
  return unknown;
}
