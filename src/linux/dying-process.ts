// Whether a process is on its way out, before anybody can wait for it.
import { readFileSync } from 'node:fs';
import { isSystemError } from './libc.js';

/** include/linux/sched.h: getting shut down; killed by a signal. */
const PF_EXITING = 0x4;
const PF_SIGNALED = 0x400;
const SIGKILL = 9;
const killBit = 1n << BigInt(SIGKILL - 1);

/** Its flags in /proc/PID/stat, counted from behind the name, which may hold anything. */
const flagsField = 6;

/** True from the moment at which SIGKILL is sent, also while it cannot be taken, until the process is waited for. */
export function isDying(pid: number): boolean {
  const stat = readProc(pid, 'stat');
  if (stat === undefined) return false;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return true;
  if ((Number(fields[flagsField]) & (PF_EXITING | PF_SIGNALED)) !== 0) return true;
  const pending = (readProc(pid, 'status') ?? '').matchAll(/^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$/gm);
  return [...pending].some(([, mask]) => (BigInt(`0x${mask}`) & killBit) !== 0n);
}

function readProc(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}
