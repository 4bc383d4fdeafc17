// The bounded chaos run of every test run; `node dist/test/crash/chaos-main.js --kills 500` is the full one.
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { faultyDaemon } from '../helpers/faults.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { runChaos } from './chaos/chaos.js';

const daemon = useBerthd(faultyDaemon);

test('sixty kills at random cost no exit, no record and no container', async (t) => {
  const seed = Number(process.env['CHAOS_SEED'] ?? randomInt(1_000_000));
  t.diagnostic(`CHAOS_SEED=${seed}`);
  const result = await runChaos(daemon(), { seed, kills: 60, clients: 3 });
  t.diagnostic(JSON.stringify(result, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)));
});
