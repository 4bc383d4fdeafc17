// One look at containers' figures, with what they used of a processor since the look before.
import { formatBytes } from '../format-bytes.js';
import { type Json, jsonFromMessage } from '../json-value.js';
import { formatNanos } from '../../domain/time.js';
import type { Figures } from './figures.js';

export interface Sample extends Figures {
  /** 100 is one whole processor; undefined in the first look. */
  readonly cpuPercent: number | undefined;
}

export const sampleHeaders = ['ID', 'CPU %', 'MEMORY', 'LIMIT', 'MEM %', 'PIDS', 'READ', 'WRITTEN', 'RECEIVED', 'SENT'];

export function sampleFrom(now: Figures, before: Figures | undefined): Sample {
  return { ...now, cpuPercent: before === undefined ? undefined : cpuPercent(before, now) };
}

/** undefined where no time has passed, or the container is another one of that name. */
function cpuPercent(before: Figures, now: Figures): number | undefined {
  const spent = now.cpuNanos - before.cpuNanos;
  const passed = now.time - before.time;
  return spent < 0n || passed <= 0n ? undefined : (Number(spent) / Number(passed)) * 100;
}

export function sampleCells(sample: Sample): string[] {
  const { workingSetBytes, memoryLimitBytes } = sample;
  const share = memoryLimitBytes === undefined ? undefined : Number(workingSetBytes) / Number(memoryLimitBytes);
  const bytes = [sample.readBytes, sample.writtenBytes, sample.receivedBytes, sample.sentBytes];
  return [
    sample.id,
    sample.cpuPercent?.toFixed(1) ?? '',
    formatBytes(Number(workingSetBytes)),
    memoryLimitBytes === undefined ? '' : formatBytes(Number(memoryLimitBytes)),
    share === undefined ? '' : (share * 100).toFixed(1),
    sample.pidsLimit === undefined ? String(sample.pids) : `${sample.pids}/${sample.pidsLimit}`,
    ...bytes.map((count) => formatBytes(Number(count))),
  ];
}

export function sampleJson({ time, id, cpuPercent, ...figures }: Sample): Json {
  const known = Object.entries(figures).map(([name, value]) => [name, jsonFromMessage(value)] as const);
  const rounded = cpuPercent === undefined ? null : Math.round(cpuPercent * 100) / 100;
  return { time: formatNanos(time), id, cpuPercent: rounded, ...Object.fromEntries(known) };
}
