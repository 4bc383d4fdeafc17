// Signals by name (with or without SIG, in any case) and by number.
import { constants } from 'node:os';
import { UsageError } from '../cli-error.js';

const lastSignal = 64;
/** Of glibc: the first two of the kernel's real-time signals are its own. */
const firstRealTimeSignal = 34;

/** The signal's number; throws where there is no such signal. */
export function parseSignal(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : numberOf(text.toUpperCase().replace(/^SIG/, ''));
  if (number === undefined || number < 1 || number > lastSignal) {
    throw new UsageError(`unknown signal ${JSON.stringify(text)}`);
  }
  return number;
}

/** SIGTERM for 15; the number itself where it has no name. */
export function signalName(number: number): string {
  const entry = Object.entries(constants.signals).find(([, value]) => value === number);
  return entry?.[0] ?? String(number);
}

function numberOf(name: string): number | undefined {
  const known: Readonly<Record<string, number>> = constants.signals;
  return known[`SIG${name}`] ?? realTimeNumberOf(name);
}

function realTimeNumberOf(name: string): number | undefined {
  const match = /^RTM(IN|AX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (match === null) return undefined;
  const base = match[1] === 'IN' ? firstRealTimeSignal : lastSignal;
  const number = base + Number(`${match[2] ?? ''}${match[3] ?? 0}`);
  return number >= firstRealTimeSignal ? number : undefined;
}
