// `ctr run --rm` of `true` through Berth and through the real containerd, in alternation, over bare runc.
import { startBerthd, startContainerd, type TestDaemon } from '../helpers/daemon.js';
import { BareRunc, run } from './bare-runc.js';
import { summarize, type Summary } from './statistics.js';

export interface CtrRunResult {
  readonly berth: Summary;
  readonly containerd: Summary;
  readonly bareRunc: Summary;
  /** Median of Berth over median of containerd; the budget is 0.8. */
  readonly ratio: number;
}

/** Before anything is counted: caches warm, code compiled. */
const warmUps = 3;

export async function measureCtrRun(pairs: number): Promise<CtrRunResult> {
  const berth = await startBerthd();
  try {
    const containerd = await startContainerd();
    try {
      return alternate(berth, containerd, pairs);
    } finally {
      await containerd.dispose();
    }
  } finally {
    await berth.dispose();
  }
}

function alternate(berth: TestDaemon, containerd: TestDaemon, pairs: number): CtrRunResult {
  const bare = new BareRunc(berth.path('fifo'), berth.rootfs, berth.namespace);
  const subjects = [
    { samples: [] as number[], work: () => runTrue(berth) },
    { samples: [] as number[], work: () => runTrue(containerd) },
    { samples: [] as number[], work: () => bare.run() },
  ] as const;
  for (let round = -warmUps; round < pairs; round++) {
    // Each goes first as often as last, so that none profits from its place.
    const order = round % 2 === 0 ? subjects : subjects.toReversed();
    for (const { samples, work } of order) {
      const took = timed(work);
      if (round >= 0) samples.push(took);
    }
  }
  const [first, second, third] = subjects.map(({ samples }) => summarize(samples));
  if (first === undefined || second === undefined || third === undefined) throw new Error('three subjects');
  return { berth: first, containerd: second, bareRunc: third, ratio: first.medianMs / second.medianMs };
}

let runs = 0;

function runTrue(daemon: TestDaemon): void {
  runs += 1;
  const [file = '', ...args] = daemon.ctrCommand(['run', '--rm', '--rootfs', daemon.rootfs, `b${runs}`, '/bin/true']);
  run(file, args);
}

/** Milliseconds. */
function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
