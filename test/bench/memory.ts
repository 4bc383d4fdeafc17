// (5) Memory with 1, 10, 50 and 100 idle containers: the daemon, each shim, and all of it together.
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDaemon } from '../helpers/daemon.js';
import { Fleet } from './containers.js';
import { type Benchmark, type Context, type Daemons, withDaemons } from './context.js';
import { type Footprint, footprintOf, sumOf } from './footprint.js';
import type { Measurement, Target } from './measurement.js';
import { summarize } from './statistics.js';

/** After the last start: V8 may collect a process that has been idle for a while, which changes what is shared. */
const settleMs = 20_000;

const steps = [1, 10, 50, 100];
const shimStep = 50;
const sumStep = 100;

export const memory: Benchmark = {
  name: 'memory',
  title: `memory with ${steps.join(', ')} idle containers`,
  run: async (context) =>
    await withDaemons(async (daemons) => {
      const fleets = [new Fleet(daemons.berth), new Fleet(daemons.containerd)] as const;
      const measured: Measurement[] = [];
      for (const step of steps.map((count) => context.size(count, Math.ceil(count / 10)))) {
        context.say(`${step} idle containers`);
        for (const fleet of fleets) await fleet.growTo(step);
        await sleep(settleMs);
        measured.push(...rowsOf(daemons, fleets, step, context));
      }
      for (const fleet of fleets) await fleet.remove();
      return measured;
    }),
};

function rowsOf(
  daemons: Daemons,
  [berthFleet, containerdFleet]: readonly [Fleet, Fleet],
  step: number,
  context: Context,
): Measurement[] {
  const berth = measure(daemons.berth, berthFleet);
  const containerd = measure(daemons.containerd, containerdFleet);
  const row = (name: string, of: (print: Footprint) => readonly number[], target?: Target): Measurement => ({
    group: '5',
    name: `${step} idle: ${name}`,
    unit: 'MiB',
    berth: summarize(of(berth)),
    containerd: summarize(of(containerd)),
    ...(target && { target }),
  });
  const isShimStep = step === context.size(shimStep, shimStep / 10);
  const isSumStep = step === context.size(sumStep, sumStep / 10);
  return [
    row('daemon, RSS', ({ daemon }) => [daemon.resident]),
    row('per shim, RSS', ({ shims }) => shims.map(({ resident }) => resident)),
    row('per shim, PSS', ({ shims }) => shims.map(({ proportional }) => proportional)),
    row(
      'per shim, private',
      ({ shims }) => shims.map((shim) => shim.private),
      isShimStep ? { ratio: 1.25 } : undefined,
    ),
    row(
      'daemon, shims and zygote, PSS',
      (print) => [sumOf(print, 'proportional')],
      isSumStep ? { ratio: 1 } : undefined,
    ),
    row('daemon, shims and zygote, private', (print) => [sumOf(print, 'private')]),
  ];
}

function measure(daemon: TestDaemon, fleet: Fleet): Footprint {
  return footprintOf(daemon, fleet.pids);
}
