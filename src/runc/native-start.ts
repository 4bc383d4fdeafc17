// `runc start` without runc: a created init waits until somebody opens the FIFO beside its state for reading, writes one
// byte into it and runs its program, and with that the FIFO ends. See docs/adr/0011-hot-path.md.
import { closeSync, constants, existsSync, fstatSync, openSync, readSync, statSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deferred } from '../base/deferred.js';
import { isSystemError } from '../linux/libc.js';
import { readRuncState } from './state-file.js';

const fifoName = 'exec.fifo';
/** It is a matter of a millisecond; a program that is the runtime's very file is not waited for any longer. */
const programLimitMs = 1000;
const programPollMs = 1;
const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** `timeout`: init has been let go and does not run its program. `other`: this is the runtime's to do, or to refuse. */
export type NativeStart = 'started' | 'timeout' | 'other';

export interface CreatedInit {
  readonly pid: number;
  /** Settles once it has ended. */
  readonly ended: Promise<unknown>;
}

export async function startNatively(
  root: string,
  id: string,
  init: CreatedInit,
  timeoutMs: number,
  programOf = programOfProcess,
): Promise<NativeStart> {
  const state = readRuncState(root, id);
  if (state === undefined || state.initPid !== init.pid) return 'other';
  // systemd's readiness protocol, where runc plays it, has `runc start` as its relay.
  if (existsSync(join(state.directory, 'notify'))) return 'other';
  const path = join(state.directory, fifoName);
  // Once its FIFO is open, init may run its program at any moment.
  const program = programOf(init.pid);
  const fd = openFifo(path);
  if (fd === undefined) return 'other';
  const outcome = await letGo(fd, init, timeoutMs);
  if (outcome !== 'started') return outcome;
  if (program !== undefined) await until(() => programOf(init.pid) !== program);
  // runc takes its absence for a sign that the container runs.
  unlinkSync(path);
  return 'started';
}

function openFifo(path: string): number | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (fstatSync(fd).isFIFO()) return fd;
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ELOOP')) throw error;
  }
  if (fd !== undefined) closeSync(fd);
  return undefined;
}

/**
 * Closes `fd`. Init writes its byte, runs the hooks that are its own, and closes its end when it runs its program, or just
 * before. An init that has written the byte and ended since was started.
 */
async function letGo(fd: number, init: CreatedInit, timeoutMs: number): Promise<NativeStart> {
  const outcome = new Deferred<NativeStart>();
  let hasByte = readByte(fd);
  let isOpen = true;
  // Takes the descriptor over. No event comes before init opens its end, and then the byte or the end of it.
  const socket = fifoSocket(fd, () => {
    hasByte = true;
  });
  const timer = setTimeout(() => outcome.resolve('timeout'), timeoutMs);
  const onOver = (): void => {
    // The byte may be there and not read yet.
    if (isOpen) outcome.resolve(hasByte || readByte(fd) ? 'started' : 'other');
  };
  for (const event of ['error', 'end']) socket.once(event, onOver);
  init.ended.then(onOver, onOver);
  socket.resume();
  try {
    return await outcome.promise;
  } finally {
    isOpen = false;
    clearTimeout(timer);
    socket.destroy();
  }
}

/**
 * Waits for init to run another program than it did, or to have ended. Until then it is a program of Go's, which as pid 1 does not
 * die of a SIGTERM but ends with status 2. Since CVE-2024-21626 runc closes whatever is open, the FIFO too, before it runs the program.
 */
async function until(isAnother: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < programLimitMs && !isAnother(); waitedMs += programPollMs)
    await sleep(programPollMs);
}

/** The file that the process runs; undefined when it has ended. */
function programOfProcess(pid: number): string | undefined {
  try {
    const { dev, ino } = statSync(`/proc/${pid}/exe`);
    return `${dev} ${ino}`;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

function fifoSocket(fd: number, onByte: () => void): Socket {
  const callback = (): boolean => {
    onByte();
    return true;
  };
  // The types know of onread for connections only.
  const options = { fd, readable: true, writable: false, onread: { buffer: Buffer.alloc(1), callback } };
  return new Socket(options);
}

function readByte(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) === 1;
  } catch (error) {
    if (isSystemError(error, 'EAGAIN')) return false;
    throw error;
  }
}
