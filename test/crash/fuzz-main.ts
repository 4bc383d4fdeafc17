// The fuzz run by itself: node dist/test/crash/fuzz-main.js [--inputs 20000] [--seed N] [--only daemon|shim]
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { startBerthd } from '../helpers/daemon.js';
import { fuzzDaemon } from './fuzz/fuzz-daemon.js';
import { fuzzShim } from './fuzz/fuzz-shim.js';
import { withShim } from './fuzz/with-shim.js';

/** Of all inputs so many go to the daemon. */
const daemonShare = 0.6;

const { values } = parseArgs({
  options: { inputs: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const seed = Number(values.seed ?? randomInt(1_000_000));
const inputs = Number(values.inputs ?? 20_000);
const forDaemon = values.only === 'daemon' ? inputs : values.only === 'shim' ? 0 : Math.floor(inputs * daemonShare);
console.log(`seed ${seed}`);
if (forDaemon > 0) {
  const daemon = await startBerthd();
  try {
    tell(await fuzzDaemon(daemon, { seed, inputs: forDaemon }));
    await daemon.checkLeaks();
  } catch (error) {
    // Told before the clean-up, which may fail for the same reason.
    console.error(error);
    process.exitCode = 1;
  } finally {
    await daemon.dispose();
  }
}
if (forDaemon < inputs) {
  await withShim(async (shim) => tell(await fuzzShim(shim, { seed, inputs: inputs - forDaemon })));
}

function tell(result: { readonly faults: readonly unknown[] }): void {
  console.log(JSON.stringify(result, null, 2));
  if (result.faults.length > 0) process.exitCode = 1;
}
