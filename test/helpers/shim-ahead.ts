// A zygote's children, and of these the shim that it has forked and not let go yet.
import { readFileSync } from 'node:fs';
import { poll } from '../../src/base/deadline.js';

/** A busy machine forks late. */
const limitMs = 20_000;

/** There is one at most. */
export function shimsAhead(zygote: number): number[] {
  return childrenOf(zygote).filter((pid) => commandOf(pid).startsWith('berth-zygote'));
}

/** Waits for it. */
export async function shimAhead(zygote: number): Promise<number> {
  return await poll(() => shimsAhead(zygote)[0], { limitMs, intervalMs: 5, what: 'a shim forked ahead' });
}

/** Of a process with one thread. */
export function childrenOf(pid: number): number[] {
  const children = textOf(`/proc/${pid}/task/${pid}/children`).trim();
  return children === '' ? [] : children.split(' ').map(Number);
}

export function commandOf(pid: number): string {
  return textOf(`/proc/${pid}/cmdline`);
}

/** Empty where the process is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
