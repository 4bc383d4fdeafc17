// `make bench`: runs the benchmarks one after the other, prints the table, and writes the report. A target that is missed
// is a result; a benchmark that fails is told, left out, and makes the run fail at its end.
import type { Context } from './context.js';
import { describeMachine } from './machine.js';
import { type Measurement, verdictOf } from './measurement.js';
import { type Report, writeReport } from './report.js';
import { resultTable } from './result-table.js';
import { readSettings, type Settings } from './settings.js';
import { suite } from './suite.js';

if (process.getuid?.() !== 0) {
  console.error('The benchmarks start containers, which needs root: sudo env "PATH=$PATH" make bench');
  process.exit(1);
}
// Whatever is under way cleans up when the process exits, which it does not by itself on a signal.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    console.error(`${signal}: cleaning up`);
    process.exit(1);
  });
}
const names = suite.map(({ name }) => name);
const settings = settingsOrExit();
const started = performance.now();
const measurements: Measurement[] = [];
const failures: { readonly name: string; readonly error: string }[] = [];
for (const { name, title, run } of suite) {
  if (settings.picked.length > 0 && !settings.picked.includes(name)) continue;
  console.log(`${name}: ${title}`);
  const began = performance.now();
  try {
    const rows = await run(contextOf(settings, name));
    measurements.push(...rows);
    console.log(`${resultTable(rows)}\n${name}: ${seconds(began)} s\n`);
  } catch (error) {
    console.error(`${name} failed:`, error, '\n');
    failures.push({ name, error: error instanceof Error ? error.message : String(error) });
  }
}
const report: Report = {
  at: new Date().toISOString(),
  command: commandOf(settings),
  seconds: seconds(started),
  machine: describeMachine(),
  measurements,
  failures,
};
console.log(resultTable(measurements));
const verdicts = measurements.map(verdictOf);
const count = (verdict: string) => verdicts.filter((one) => one === verdict).length;
console.log(`targets: ${count('met')} met, ${count('missed')} missed; benchmarks failed: ${failures.length}`);
console.log(`${report.seconds} s; written to ${writeReport(report, settings.isFull).join(' and ')}`);
// What a failed benchmark has left behind in this process must not keep it.
process.exit(failures.length === 0 ? 0 : 1);

function settingsOrExit(): Settings {
  try {
    return readSettings(process.env, names);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return process.exit(2);
  }
}

function contextOf({ rounds, quick }: Settings, name: string): Context {
  return {
    rounds: (usual) => rounds ?? usual,
    size: (usual, small) => (quick ? small : usual),
    say: (line) => console.log(`  ${name}: ${line}`),
  };
}

function commandOf({ picked, rounds, quick }: Settings): string {
  const words = [
    ...(picked.length > 0 ? [`BENCH=${picked.join(',')}`] : []),
    ...(quick ? ['BENCH_QUICK=1'] : rounds === undefined ? [] : [`BENCH_ROUNDS=${rounds}`]),
  ];
  return ['make', 'bench', ...words].join(' ');
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 1000);
}
