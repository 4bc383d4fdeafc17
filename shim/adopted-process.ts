// A process that another shim made: not our child, so it is held by a pidfd, which never names another process.
import { closeSync } from 'node:fs';
import { BerthError } from '../src/domain/errors.js';
import type { Stdio } from '../src/domain/records.js';
import { isSystemError } from '../src/linux/libc.js';
import { openPidfd, signalPidfd } from '../src/linux/pidfd.js';
import { readProcessStat } from '../src/linux/process-info.js';
import { ContainerProcess, type ProcessNames } from './container-process.js';

export class AdoptedProcess extends ContainerProcess {
  /** Undefined once its end is known. */
  #pidfd: number | undefined;

  constructor(names: ProcessNames, stdio: Stdio, pidfd: number | undefined) {
    super(names, stdio);
    this.#pidfd = pidfd;
    if (pidfd !== undefined) void this.ended.then(() => this.#release());
  }

  get pidfd(): number | undefined {
    return this.#pidfd;
  }

  override signal(signal: number): void {
    if (this.#pidfd === undefined) throw new BerthError('not-found', `process already finished: ${this.label}`);
    try {
      signalPidfd(this.#pidfd, signal);
    } catch (error) {
      if (!isSystemError(error, 'ESRCH')) throw error;
      throw new BerthError('not-found', `process already finished: ${this.label}`, { cause: error });
    }
  }

  #release(): void {
    if (this.#pidfd !== undefined) closeSync(this.#pidfd);
    this.#pidfd = undefined;
  }
}

/** Undefined unless `pid` still names the process that started at `startTime` (0: whenever). */
export function pidfdOf(pid: number, startTime: bigint): number | undefined {
  let pidfd: number;
  try {
    pidfd = openPidfd(pid);
  } catch (error) {
    if (isSystemError(error, 'ESRCH', 'EINVAL')) return undefined;
    throw error;
  }
  const found = readProcessStat(pid)?.startTime;
  if (found !== undefined && (startTime === 0n || found === startTime)) return pidfd;
  closeSync(pidfd);
  return undefined;
}
