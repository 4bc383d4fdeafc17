// Digests as OCI writes them: ALGORITHM:HEX. Checked before any path is built from one.
import { BerthError } from './errors.js';

/** Hexadecimal digits of each algorithm that OCI registers and Node's crypto has under the same name. */
const hexDigits = { sha256: 64, sha384: 96, sha512: 128 } as const;

export type DigestAlgorithm = keyof typeof hexDigits;

export const digestAlgorithms = Object.keys(hexDigits) as readonly DigestAlgorithm[];

/** What a blob is named by when nobody asks for another. */
export const canonicalAlgorithm: DigestAlgorithm = 'sha256';

export interface Digest {
  readonly algorithm: DigestAlgorithm;
  /** Lower case. */
  readonly hex: string;
}

/** Throws `invalid-argument` unless `text` is a digest of a known algorithm. */
export function parseDigest(text: string): Digest {
  const [algorithm = '', hex = '', ...rest] = text.split(':');
  if (!isAlgorithm(algorithm) || rest.length > 0 || !isHex(hex, hexDigits[algorithm])) {
    throw new BerthError('invalid-argument', `${JSON.stringify(text.slice(0, 140))} is not a valid digest`);
  }
  return { algorithm, hex };
}

export function isDigest(text: string): boolean {
  try {
    parseDigest(text);
    return true;
  } catch {
    return false;
  }
}

export function formatDigest({ algorithm, hex }: Digest): string {
  return `${algorithm}:${hex}`;
}

function isAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(hexDigits, text);
}

function isHex(text: string, digits: number): boolean {
  return text.length === digits && /^[0-9a-f]+$/.test(text);
}
