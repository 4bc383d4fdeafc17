// One line of the result: the same figure of Berth and of containerd, the floor under both where there is one, and what
// was aimed at.
import type { Summary } from './statistics.js';

export type Unit = 'ms' | 'MiB' | 'MB/s' | '/s';

export interface Target {
  /** Of Berth over containerd: at most this where less is better, at least this where more is. */
  readonly ratio?: number;
  /** Berth's own median, in the measurement's unit. */
  readonly most?: number;
}

export interface Measurement {
  /** The number or a word for it, by which the table is sorted: '2', '2', '3', 'images'. */
  readonly group: string;
  readonly name: string;
  readonly unit: Unit;
  readonly berth: Summary;
  readonly containerd: Summary;
  readonly floor?: { readonly name: string; readonly summary: Summary };
  readonly target?: Target;
}

export type Verdict = 'met' | 'missed' | 'no target';

const moreIsBetter: Readonly<Record<Unit, boolean>> = { ms: false, MiB: false, 'MB/s': true, '/s': true };

/** Median of Berth over median of containerd. */
export function ratioOf({ berth, containerd }: Measurement): number {
  return berth.median / containerd.median;
}

/** The same so that less is better whatever the unit: how much more Berth costs. */
export function costOf(measurement: Measurement): number {
  const ratio = ratioOf(measurement);
  return moreIsBetter[measurement.unit] ? 1 / ratio : ratio;
}

/** The most that `costOf` may be; undefined without a target for it. */
export function costTargetOf({ unit, target }: Measurement): number | undefined {
  if (target?.ratio === undefined) return undefined;
  return moreIsBetter[unit] ? 1 / target.ratio : target.ratio;
}

export function verdictOf(measurement: Measurement): Verdict {
  const { berth, target } = measurement;
  if (target === undefined) return 'no target';
  const limit = costTargetOf(measurement);
  const isMet =
    (limit === undefined || costOf(measurement) <= limit) && (target.most === undefined || berth.median <= target.most);
  return isMet ? 'met' : 'missed';
}

export function targetText({ unit, target }: Measurement): string {
  const parts: string[] = [];
  if (target?.ratio !== undefined) parts.push(`${moreIsBetter[unit] ? '≥' : '≤'} ${target.ratio.toFixed(2)}`);
  if (target?.most !== undefined) parts.push(`≤ ${valueText(target.most, unit)}`);
  return parts.join(', ') || '-';
}

/** Three digits that say something. */
export function valueText(value: number, unit: Unit): string {
  const digits = value >= 1000 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)}${unit === '/s' ? '' : ' '}${unit}`;
}
