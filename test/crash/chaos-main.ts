// The chaos run by itself: node dist/test/crash/chaos-main.js [--kills 500] [--clients 4] [--seed N]
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { startBerthd } from '../helpers/daemon.js';
import { faultyDaemon } from '../helpers/faults.js';
import { runChaos } from './chaos/chaos.js';

const { values } = parseArgs({
  options: { kills: { type: 'string' }, clients: { type: 'string' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? randomInt(1_000_000));
console.log(`seed ${seed}`);
const daemon = await startBerthd(faultyDaemon);
try {
  const options = { seed, kills: Number(values.kills ?? 500), clients: Number(values.clients ?? 4) };
  console.log(await runChaos(daemon, options));
} catch (error) {
  // Told before the clean-up, which may fail for the same reason.
  console.error(error);
  process.exitCode = 1;
} finally {
  await daemon.dispose();
}
