// `make bench-docs`: puts what docs/bench/results.json has of the targets between README.md's markers.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../helpers/daemon.js';
import { machineText } from './machine.js';
import { type Measurement, ratioOf, targetText, valueText, verdictOf } from './measurement.js';
import { documentsDirectory, type Report, resultsFile } from './report.js';
import type { Summary } from './statistics.js';

const begin = '<!-- bench: written by `make bench-docs` -->';
const end = '<!-- /bench -->';

const report: Report = JSON.parse(readFileSync(join(documentsDirectory, resultsFile), 'utf8'));
const readme = join(projectRoot, 'README.md');
const text = readFileSync(readme, 'utf8');
const [from, to] = [text.indexOf(begin), text.indexOf(end)];
if (from < 0 || to < from) throw new Error(`README.md has no ${begin} … ${end}`);
writeFileSync(readme, `${text.slice(0, from + begin.length)}\n${sectionOf(report)}\n${text.slice(to)}`);

function sectionOf({ measurements, machine, at, command, failures }: Report): string {
  const head =
    '| | what | Berth | containerd | floor | ratio | target | |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |';
  const failed = failures.map(({ name, error }) => `- \`${name}\` failed: ${error.split('\n')[0]}`);
  return [
    `Medians, and p10 to p90 in brackets. ${machineText(machine)}; \`${command}\`, ${at.slice(0, 10)}, commit ${machine.berth}.`,
    '',
    head,
    ...measurements.filter(({ target }) => target !== undefined).map(rowOf),
    ...(failed.length === 0 ? [] : ['', ...failed]),
  ].join('\n');
}

function rowOf(measurement: Measurement): string {
  const { group, name, unit, berth, containerd, floor } = measurement;
  const verdict = verdictOf(measurement);
  const cells = [
    group,
    name,
    spread(berth, unit),
    spread(containerd, unit),
    floor === undefined ? '' : valueText(floor.summary.median, unit),
    ratioOf(measurement).toFixed(2),
    targetText(measurement),
    { met: '**met**', missed: 'missed', 'no target': '' }[verdict],
  ];
  return `| ${cells.join(' | ')} |`;
}

function spread({ samples, median, p10, p90 }: Summary, unit: Measurement['unit']): string {
  const short = (value: number) => value.toFixed(value >= 100 ? 0 : 1);
  return `${valueText(median, unit)}${samples > 1 ? ` [${short(p10)} … ${short(p90)}]` : ''}`;
}
