// Numbers on the command line, refused with a message where they are none.
import { UsageError } from '../cli-error.js';

export function parseInteger(what: string, text: string, minimum = 0): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value) || value < minimum) {
    const bound = Number.isFinite(minimum) ? ` of at least ${minimum}` : '';
    throw new UsageError(`${what} ${JSON.stringify(text)} is not a whole number${bound}`);
  }
  return value;
}

/** A decimal number that is not negative. */
export function parseDecimal(what: string, text: string): number {
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || !Number.isFinite(value)) {
    throw new UsageError(`${what} ${JSON.stringify(text)} is not a number`);
  }
  return value;
}
