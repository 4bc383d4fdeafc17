// The result as a table for a terminal.
import Table from 'cli-table3';
import { type Measurement, ratioOf, targetText, valueText, verdictOf } from './measurement.js';
import type { Summary } from './statistics.js';

const head = ['', 'Berth', 'containerd', 'floor', 'ratio', 'target', ''];

export function resultTable(measurements: readonly Measurement[]): string {
  const colAligns = ['left', 'right', 'right', 'right', 'right', 'right', 'left'] as const;
  const table = new Table({ head, colAligns: [...colAligns], style: { head: [], border: [], compact: true } });
  for (const measurement of measurements) table.push(rowOf(measurement));
  return table.toString();
}

function rowOf(measurement: Measurement): string[] {
  const { group, name, unit, berth, containerd, floor } = measurement;
  const verdict = verdictOf(measurement);
  return [
    `(${group}) ${name.replaceAll('`', '')}`,
    spread(berth),
    spread(containerd),
    floor === undefined ? '' : valueText(floor.summary.median, unit),
    ratioOf(measurement).toFixed(2),
    targetText(measurement),
    verdict === 'no target' ? '' : verdict,
  ];

  /** The median, and from p10 to p90 where there is more than one sample. */
  function spread({ samples, median, p10, p90 }: Summary): string {
    const range = samples > 1 ? `  [${short(p10)} … ${short(p90)}]` : '';
    return `${valueText(median, unit)}${range}`;
  }
}

function short(value: number): string {
  return value.toFixed(value >= 100 ? 0 : 1);
}
