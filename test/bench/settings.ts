// What the environment asks of a run: BENCH=name,name picks, BENCH_ROUNDS=N sets the rounds, BENCH_QUICK=1 takes a look.

export interface Settings {
  /** Names of benchmarks; all where it is empty. */
  readonly picked: readonly string[];
  readonly rounds: number | undefined;
  readonly quick: boolean;
  /** Nothing was left out or cut short: what may stand in the documents. */
  readonly isFull: boolean;
}

/** Enough to see that a benchmark works. */
const quickRounds = 2;

export function readSettings(environment: NodeJS.ProcessEnv, known: readonly string[]): Settings {
  const picked = (environment['BENCH'] ?? '').split(',').filter((name) => name !== '');
  const unknown = picked.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`BENCH: ${unknown.join(', ')} is none of ${known.join(', ')}`);
  const quick = (environment['BENCH_QUICK'] ?? '') !== '';
  const given = environment['BENCH_ROUNDS'] ?? '';
  const rounds = given === '' ? undefined : Number(given);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new Error(`BENCH_ROUNDS must be a positive whole number, not ${given}`);
  }
  const isFull = picked.length === 0 && rounds === undefined && !quick;
  return { picked, rounds: rounds ?? (quick ? quickRounds : undefined), quick, isFull };
}
