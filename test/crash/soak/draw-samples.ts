// Samples as an SVG: a small chart for each figure over time, each from zero, so that growth shows as growth.
import type { Sample } from './sample.js';

const width = 640;
const chartHeight = 110;
const margin = { left: 150, right: 20, top: 14, bottom: 18 };

const figures: readonly (readonly [keyof Sample, string])[] = [
  ['ended', 'processes ended'],
  ['daemonMiB', 'berthd, MiB resident'],
  ['daemonDescriptors', 'berthd, descriptors'],
  ['processes', 'processes'],
  ['cgroups', 'cgroups'],
  ['databaseMiB', 'database, MiB'],
];

export function drawSamples(samples: readonly Sample[]): string {
  const charts = figures.map(([key, label], index) => drawChart(samples, key, label, index * chartHeight));
  const height = figures.length * chartHeight;
  const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="11">`;
  return [open, `<rect width="${width}" height="${height}" fill="white"/>`, ...charts, '</svg>', ''].join('\n');
}

function drawChart(samples: readonly Sample[], key: keyof Sample, label: string, top: number): string {
  const values = samples.map((sample) => sample[key]);
  const highest = Math.max(...values, 1);
  const end = samples.at(-1)?.seconds ?? 1;
  const x = (seconds: number): number => margin.left + (seconds / end) * (width - margin.left - margin.right);
  const plot = chartHeight - margin.top - margin.bottom;
  const y = (value: number): number => top + margin.top + plot * (1 - value / highest);
  const points = samples.map((sample) => `${x(sample.seconds).toFixed(1)},${y(sample[key]).toFixed(1)}`).join(' ');
  const bottom = y(0).toFixed(1);
  return [
    `<text x="8" y="${y(highest) + 4}">${label}</text>`,
    `<text x="${margin.left - 6}" y="${y(highest) + 4}" text-anchor="end">${highest}</text>`,
    `<text x="${margin.left - 6}" y="${bottom}" text-anchor="end">0</text>`,
    `<text x="${width - margin.right}" y="${Number(bottom) + 13}" text-anchor="end">${Math.round(end / 60)} min</text>`,
    `<line x1="${margin.left}" y1="${bottom}" x2="${width - margin.right}" y2="${bottom}" stroke="#999"/>`,
    `<polyline points="${points}" fill="none" stroke="#1f5fa8" stroke-width="1.2"/>`,
  ].join('\n');
}
