// The shim that a zygote has forked and not let go yet.
import { readFileSync } from 'node:fs';
import { poll } from '../../src/base/deadline.js';

/** A busy machine forks late. */
const limitMs = 20_000;

/** There is one at most. */
export function shimsAhead(zygote: number): number[] {
  const children = textOf(`/proc/${zygote}/task/${zygote}/children`).trim().split(' ').map(Number);
  return children.filter((pid) => textOf(`/proc/${pid}/cmdline`).startsWith('berth-zygote'));
}

/** Waits for it. */
export async function shimAhead(zygote: number): Promise<number> {
  return await poll(() => shimsAhead(zygote)[0], { limitMs, intervalMs: 5, what: 'a shim forked ahead' });
}

/** Empty where the process is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
