// `make bench`: runs the benchmarks, prints their tables, and writes .cache/bench/NAME.json.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../helpers/daemon.js';
import { measureCtrRun } from './ctr-run.js';
import type { Summary } from './statistics.js';

const minimumPairs = 20;

if (process.getuid?.() !== 0) {
  console.error('The benchmarks start containers, which needs root: sudo env "PATH=$PATH" make bench');
  process.exit(1);
}
const pairs = Number(process.env['BENCH_PAIRS'] ?? minimumPairs);
if (!Number.isInteger(pairs) || pairs < 1) {
  console.error(`BENCH_PAIRS must be a positive whole number, not ${process.env['BENCH_PAIRS']}`);
  process.exit(1);
}

console.log(`ctr run --rm --rootfs DIR ID /bin/true, one after the other, ${pairs} rounds in alternation\n`);
const result = await measureCtrRun(pairs);
printTable([
  ['Berth', result.berth],
  ['containerd', result.containerd],
  ['runc create + start + delete', result.bareRunc],
]);
console.log(`\nBerth / containerd: ${result.ratio.toFixed(2)} of its median (budget: at most 0.80)`);
console.log(`written to ${writeReport('ctr-run', result)}`);

function printTable(rows: readonly (readonly [string, Summary])[]): void {
  const line = (cells: readonly string[]) =>
    console.log(cells.map((cell, index) => (index === 0 ? cell.padEnd(30) : cell.padStart(10))).join(''));
  line(['', 'median', 'p90', 'min', 'samples']);
  for (const [name, { medianMs, p90Ms, minimumMs, samples }] of rows) {
    line([name, ...[medianMs, p90Ms, minimumMs].map((ms) => `${ms.toFixed(1)} ms`), String(samples)]);
  }
}

function writeReport(name: string, measured: object): string {
  const directory = join(projectRoot, '.cache/bench');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${name}.json`);
  const host = {
    ...{ kernel: release(), processors: cpus().length, model: cpus()[0]?.model, node: process.version },
    ...{ containerd: firstLine('containerd', '--version'), runc: firstLine('runc', '--version') },
  };
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), host, ...measured }, undefined, 2)}\n`);
  return file;
}

function firstLine(file: string, argument: string): string {
  return spawnSync(file, [argument], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
}
