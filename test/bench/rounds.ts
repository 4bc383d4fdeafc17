// Rounds in alternation: every subject once in each, first as often as last, so that none profits from its place and
// whatever slows the machine slows all of them.

import { messageOf } from '../../src/domain/errors.js';

export interface Contender {
  readonly name: string;
  /** One sample, or several. */
  work(round: number): Promise<number | readonly number[]>;
}

export interface Rounds {
  readonly rounds: number;
  /** Before anything is counted: caches warm, code compiled. */
  readonly warmUps: number;
  readonly say: (line: string) => void;
}

/** More than this share of a contender's rounds may not fail. */
const failingShare = 0.5;

/** The samples of each contender. A round that fails is told and left out. */
export async function alternate(contenders: readonly Contender[], options: Rounds): Promise<number[][]> {
  const samples = contenders.map((): number[] => []);
  const failures = contenders.map(() => 0);
  for (let round = 0 - options.warmUps; round < options.rounds; round++) {
    const order = [...contenders.entries()];
    for (const [index, contender] of round % 2 === 0 ? order : order.toReversed()) {
      try {
        const sample = await contender.work(round);
        if (round >= 0) samples[index]?.push(...[sample].flat());
      } catch (error) {
        options.say(`round ${round + 1} of ${contender.name} failed: ${messageOf(error)}`);
        const count = (failures[index] ?? 0) + 1;
        failures[index] = count;
        if (count > (options.rounds + options.warmUps) * failingShare) throw error;
      }
    }
  }
  return samples;
}

/** Milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
