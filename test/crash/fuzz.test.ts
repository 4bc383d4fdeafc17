// The bounded fuzz run of every test run; `node dist/test/crash/fuzz-main.js --inputs 20000` is the full one.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { useBerthd } from '../helpers/use-berthd.js';
import { useShim } from '../helpers/use-shim.js';
import { fuzzDaemon } from './fuzz/fuzz-daemon.js';
import { fuzzShim } from './fuzz/fuzz-shim.js';

const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(1_000_000));

const daemon = useBerthd();
const shim = useShim();

test('no message that any RPC may get brings the daemon down, costs it anything, or surprises it', async (t) => {
  t.diagnostic(`FUZZ_SEED=${seed}`);
  const { faults, statuses } = await fuzzDaemon(daemon(), { seed, inputs: 900 });
  t.diagnostic(JSON.stringify(statuses));
  assert.deepEqual(faults, []);
});

test('no frame on its socket brings a shim down, costs it anything, or surprises it', async (t) => {
  t.diagnostic(`FUZZ_SEED=${seed}`);
  assert.deepEqual((await fuzzShim(shim(), { seed, inputs: 600 })).faults, []);
});
