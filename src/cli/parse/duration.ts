// Spans of time on the command line: 10s, 1h30m, 250ms; a number alone is seconds.
import { UsageError } from '../cli-error.js';

const millis: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds. */
export function parseDuration(what: string, text: string): number {
  if (/^\d*\.?\d+$/.test(text)) return Number(text) * 1000;
  if (!/^(?:\d*\.?\d+(?:ms|[smhd]))+$/.test(text)) {
    throw new UsageError(`${what} ${JSON.stringify(text)} is no span of time such as 10s or 1h30m`);
  }
  const parts = [...text.matchAll(/(\d*\.?\d+)(ms|[smhd])/g)];
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (millis[unit ?? ''] ?? 0), 0);
}
