// The result as an SVG: a bar per measurement for how much Berth costs where containerd costs 1, so that shorter is better
// whatever the unit, with a mark at the target.
import { machineText } from './machine.js';
import { costOf, costTargetOf, type Measurement, valueText, verdictOf, type Verdict } from './measurement.js';
import type { Report } from './report.js';

const width = 980;
const left = 330;
const plotWidth = 400;
const rowHeight = 22;
const barHeight = 12;
const top = 92;
const bottom = 56;
/** Where the axis ends; a longer bar is cut there, and its figure says how long it is. */
const longest = 2;

const colours: Readonly<Record<Verdict, string>> = { met: '#2f8f5b', missed: '#d0752b', 'no target': '#7d8fa3' };
const ink = '#1f2933';
const faint = '#66707c';
const grid = '#dfe4ea';

export function drawChart({ measurements, machine, at, command }: Report): string {
  const plotHeight = measurements.length * rowHeight;
  const height = top + plotHeight + bottom;
  const title = text(20, 30, 'Berth beside containerd', { size: 18, weight: 600 });
  const subtitle = text(
    20,
    50,
    'what Berth costs where containerd costs 1: time, memory, or time per unit; shorter is better',
    {
      fill: faint,
    },
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, 'DejaVu Sans', Helvetica, sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    title,
    subtitle,
    ...legend(20, 70),
    ...axis(plotHeight),
    ...measurements.flatMap((measurement, index) => bar(measurement, top + index * rowHeight)),
    line(x(1), top - 6, x(1), top + plotHeight + 4, ink, 1.5),
    text(20, height - 26, machineText(machine), { size: 10, fill: faint }),
    text(20, height - 12, `${command}, ${at.slice(0, 10)}, berth ${machine.berth}`, { size: 10, fill: faint }),
    '</svg>',
    '',
  ].join('\n');
}

function legend(x0: number, y: number): string[] {
  const entries: readonly (readonly [string, string])[] = [
    [colours.met, 'target met'],
    [colours.missed, 'target missed'],
    [colours['no target'], 'no target'],
  ];
  const boxes = entries.flatMap(([colour, label], index) => [
    `<rect x="${x0 + index * 110}" y="${y - 9}" width="10" height="10" fill="${colour}"/>`,
    text(x0 + 16 + index * 110, y, label, { size: 11, fill: faint }),
  ]);
  return [
    ...boxes,
    line(x0 + 336, y - 11, x0 + 336, y + 3, ink, 2),
    text(x0 + 344, y, 'target', { size: 11, fill: faint }),
  ];
}

function axis(plotHeight: number): string[] {
  return [0, 0.5, 1, 1.5, 2].flatMap((share) => [
    line(x(share), top - 6, x(share), top + plotHeight + 4, grid, 1),
    text(x(share), top - 12, share === 1 ? 'containerd' : String(share), { size: 10, fill: faint, anchor: 'middle' }),
  ]);
}

function bar(measurement: Measurement, y: number): string[] {
  const { name, unit, berth, containerd } = measurement;
  const cost = costOf(measurement);
  const limit = costTargetOf(measurement);
  const middle = y + rowHeight / 2;
  const end = x(Math.min(cost, longest));
  const values = `${valueText(berth.median, unit)} : ${valueText(containerd.median, unit)}`;
  return [
    text(left - 10, middle + 4, name.replaceAll('`', ''), { anchor: 'end' }),
    `<rect x="${left}" y="${middle - barHeight / 2}" width="${(end - left).toFixed(1)}" height="${barHeight}" rx="1.5" fill="${colours[verdictOf(measurement)]}"/>`,
    ...(cost > longest
      ? [text(end - 6, middle + 4, `${cost.toFixed(1)} ×`, { size: 10, fill: 'white', anchor: 'end' })]
      : []),
    ...(limit === undefined ? [] : [line(x(limit), middle - 9, x(limit), middle + 9, ink, 2)]),
    text(left + plotWidth + 14, middle + 4, values, { fill: faint, size: 11 }),
  ];
}

function x(share: number): number {
  return left + (share / longest) * plotWidth;
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, stroke: number): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1}" x2="${x2.toFixed(1)}" y2="${y2}" stroke="${colour}" stroke-width="${stroke}"/>`;
}

interface TextStyle {
  readonly size?: number;
  readonly weight?: number;
  readonly fill?: string;
  readonly anchor?: 'middle' | 'end';
}

function text(atX: number, atY: number, content: string, { size, weight, fill = ink, anchor }: TextStyle = {}): string {
  const attributes = [
    `x="${atX}" y="${atY}" fill="${fill}"`,
    ...(size === undefined ? [] : [`font-size="${size}"`]),
    ...(weight === undefined ? [] : [`font-weight="${weight}"`]),
    ...(anchor === undefined ? [] : [`text-anchor="${anchor}"`]),
  ];
  return `<text ${attributes.join(' ')}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
