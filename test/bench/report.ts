// A run's result as it is kept: docs/bench/results.json and chart.svg for a full run, .cache/bench for anything less.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { projectRoot } from '../helpers/daemon.js';
import { drawChart } from './draw-chart.js';
import type { Machine } from './machine.js';
import type { Measurement } from './measurement.js';

export interface Report {
  readonly at: string;
  readonly command: string;
  readonly seconds: number;
  readonly machine: Machine;
  readonly measurements: readonly Measurement[];
  /** Benchmarks that gave no result, and why. */
  readonly failures: readonly { readonly name: string; readonly error: string }[];
}

export const documentsDirectory = join(projectRoot, 'docs/bench');
export const resultsFile = 'results.json';

/** The paths written, from the project's root. */
export function writeReport(report: Report, isFull: boolean): string[] {
  const directory = isFull ? documentsDirectory : join(projectRoot, '.cache/bench');
  mkdirSync(directory, { recursive: true });
  const files = [
    [resultsFile, `${JSON.stringify(report, undefined, 2)}\n`],
    ['chart.svg', drawChart(report)],
  ] as const;
  return files.map(([name, text]) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return relative(projectRoot, path);
  });
}
