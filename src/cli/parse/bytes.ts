// Sizes as people write them: 64m, 1.5GiB, 1048576. Units are powers of 1024, as in docker, podman and ctr.
import { UsageError } from '../cli-error.js';

const exponents = { '': 0, k: 1, m: 2, g: 3, t: 4 } as const;

export function parseBytes(what: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const unit = (match?.[2] ?? '').toLowerCase();
  const bytes = Math.round(Number(match?.[1]) * 1024 ** (isUnit(unit) ? exponents[unit] : 0));
  if (match === null || !Number.isSafeInteger(bytes)) {
    throw new UsageError(`${what} ${JSON.stringify(text)} is not a size such as 512m or 1g`);
  }
  return bytes;
}

function isUnit(text: string): text is keyof typeof exponents {
  return text in exponents;
}
