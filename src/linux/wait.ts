// Waiting for one's own children without ever blocking, and what a wait status means.
import { bindLibc, check } from './libc.js';

export interface ExitStatus {
  /** 0 to 255; 128 + signal when a signal ended the process. */
  readonly status: number;
  /** The signal that ended it, else 0. */
  readonly signal: number;
}

const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
const P_ALL = 0;
const siginfoBytes = 128;

const waitpid = bindLibc('int waitpid(int pid, _Out_ int *status, int options)');
const waitid = bindLibc('int waitid(int idtype, unsigned int id, _Out_ uint8_t *info, int options)');

/** Reaps the child `pid` if it has ended; undefined while it runs. Throws ECHILD when it is no child of ours. */
export function waitPid(pid: number): ExitStatus | undefined {
  const status = [0];
  if (check('waitpid', waitpid(pid, status, WNOHANG), `pid ${pid}`) === 0) return undefined;
  return exitStatusFromWait(status[0] ?? 0);
}

/** Whether any child, libuv's included, has ended and not been reaped; reaps nothing. */
export function hasEndedChild(): boolean {
  const info = new Uint8Array(siginfoBytes);
  if (waitid(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT) < 0) return false;
  // si_signo stays 0 where no child has ended.
  return info[0] !== 0;
}

/** Decodes what wait(2) stores. */
export function exitStatusFromWait(status: number): ExitStatus {
  const signal = status & 0x7f;
  if (signal !== 0) return { status: 128 + signal, signal };
  return { status: (status >> 8) & 0xff, signal: 0 };
}
