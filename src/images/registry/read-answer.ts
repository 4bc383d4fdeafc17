// Answers read whole, within a bound, and what a registry's refusals mean.
import { BerthError, type ErrorKind } from '../../domain/errors.js';
import type { HttpAnswer } from './http-transport.js';

const maxErrorBytes = 64 * 1024;
/** Characters of a registry's own words that are told. */
const maxReasonLength = 400;

/** `invalid-argument` once there are more than `limit` bytes. */
export async function readAnswer(answer: HttpAnswer, limit: number, what: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of answer.body) {
    size += piece.length;
    if (size > limit) throw new BerthError('invalid-argument', `${what} has more than ${limit} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The error that a status of 400 or more stands for. */
export async function refusalFrom(answer: HttpAnswer, what: string): Promise<BerthError> {
  const { status } = answer;
  const reason = await reasonOf(answer);
  return new BerthError(
    kindOf(status),
    `${what}: the registry answered ${status}${reason === '' ? '' : `: ${reason}`}`,
  );
}

function kindOf(status: number): ErrorKind {
  if (status === 401 || status === 403) return 'permission-denied';
  if (status === 404) return 'not-found';
  if (status === 408 || status === 429 || status >= 500) return 'unavailable';
  return 'failed-precondition';
}

interface ErrorBody {
  readonly errors?: readonly { readonly code?: unknown; readonly message?: unknown }[];
  /** Of token servers. */
  readonly details?: unknown;
}

async function reasonOf(answer: HttpAnswer): Promise<string> {
  try {
    const text = (await readAnswer(answer, maxErrorBytes, 'the answer')).toString('utf8');
    const { errors, details } = JSON.parse(text) as ErrorBody;
    const told = Array.isArray(errors)
      ? errors.map(({ code, message }: { code?: unknown; message?: unknown }) => `${String(code)}: ${String(message)}`)
      : typeof details === 'string'
        ? [details]
        : [];
    return told.join('; ').slice(0, maxReasonLength);
  } catch {
    // A refusal needs no body, and none that can be read.
    return '';
  }
}
