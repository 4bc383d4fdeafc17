// What `berth check` would say of a daemon under test: nothing, once what has just been asked to end has ended.
import assert from 'node:assert/strict';
import { poll } from '../../src/base/deadline.js';
import { type Finding, MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import type { TestDaemon } from './daemon.js';

/** A shim answers its shutdown a moment before its process is gone. */
const settleLimitMs = 5000;

export async function assertCheckClean(daemon: TestDaemon, limitMs = settleLimitMs): Promise<void> {
  let findings: readonly Finding[] = [];
  const probe = async (): Promise<true | undefined> => {
    ({ findings } = await daemon.call(MaintenanceService.check, { repair: false }));
    return findings.length === 0 || undefined;
  };
  await poll(probe, { limitMs, intervalMs: 50, what: 'a clean check' }).catch(() => undefined);
  assert.deepEqual(findings, []);
}
