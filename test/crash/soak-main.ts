// The soak: load for a while, with what could grow sampled and drawn.
// node dist/test/crash/soak-main.js [--minutes 30] [--clients 2] [--seed N] [--out docs/soak]
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { startBerthd, type TestDaemon } from '../helpers/daemon.js';
import { Random } from './chaos/random.js';
import { Workload } from './chaos/workload.js';
import { drawSamples } from './soak/draw-samples.js';
import { type Sample, takeSample } from './soak/sample.js';

const sampleIntervalMs = 10_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    clients: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
    out: { type: 'string', default: 'soak' },
  },
});
console.log(`seed ${values.seed}`);
/** Little is kept, so that what retention removes shows within the run. */
const config = 'journal_events = 2000\nexit_retention_seconds = 120\n';

const daemon = await startBerthd({ config });
try {
  const samples = await soak(daemon, Number(values.minutes) * 60_000, Number(values.clients), Number(values.seed));
  writeFileSync(`${values.out}.json`, JSON.stringify(samples, undefined, 1));
  writeFileSync(`${values.out}.svg`, drawSamples(samples));
  console.log(samples[0], samples.at(-1));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await daemon.dispose();
}

async function soak(daemon: TestDaemon, lengthMs: number, clients: number, seed: number): Promise<Sample[]> {
  const over = AbortSignal.timeout(lengthMs);
  const workload = new Workload(daemon, new Random(seed));
  const working = Array.from({ length: clients }, async () => {
    while (!over.aborted) await workload.once();
  });
  const samples: Sample[] = [];
  const start = performance.now();
  while (!over.aborted) {
    await sleep(sampleIntervalMs);
    samples.push(await takeSample(daemon, (performance.now() - start) / 1000, workload.expected.length));
  }
  await Promise.all(working);
  const { findings } = await daemon.call(MaintenanceService.check, { repair: false });
  if (findings.length > 0) throw new Error(JSON.stringify(findings));
  return samples;
}
