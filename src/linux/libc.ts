// The one door to foreign calls: libc through koffi, loaded at the first call (8 ms and some memory that a process
// which needs neither should not pay), and errno turned into an Error as node:fs throws them.
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import type * as Koffi from 'koffi';

type Argument = number | bigint | string | Uint8Array | object | null;

let koffi: typeof Koffi | undefined;
let libc: Koffi.LibraryHandle | undefined;

export function loadKoffi(): typeof Koffi {
  koffi ??= createRequire(import.meta.url)('koffi') as typeof Koffi;
  return koffi;
}

/** Its arguments are as the prototype says, which only the caller's own signature can hold them to. */
export type LibcCall = (...args: readonly Argument[]) => number;

/** Binds the C prototype at its first call; the function returns what C returns, so -1 still needs `check`. */
export function bindLibc(prototype: string): LibcCall {
  let bound: LibcCall | undefined;
  return (...args) => {
    libc ??= loadKoffi().load('libc.so.6');
    bound ??= libc.func(prototype) as LibcCall;
    return bound(...args);
  };
}

/** How koffi runs a function on another thread: the callback comes last. */
interface BlockingCall {
  async(...args: readonly (Argument | ((error: Error | null, result: number) => void))[]): void;
}

/** Like `bindLibc` for a call that blocks: it runs on a thread of libuv's pool, and its promise gives what C returns. */
export function bindBlockingLibc(prototype: string): (...args: readonly Argument[]) => Promise<number> {
  let bound: BlockingCall | undefined;
  return (...args) => {
    libc ??= loadKoffi().load('libc.so.6');
    bound ??= libc.func(prototype) as unknown as BlockingCall;
    const call = bound;
    return new Promise((resolve, reject) => {
      call.async(...args, (error: Error | null, result: number) => {
        if (error === null) resolve(result);
        else reject(error);
      });
    });
  };
}

export function lastErrno(): number {
  return loadKoffi().errno();
}

/** An Error with `code` ('ENOENT'), `errno` (negative, as in node:fs) and `syscall`. */
export function systemError(syscall: string, errno: number, subject?: string): NodeJS.ErrnoException {
  const code = errnoName(errno);
  const error: NodeJS.ErrnoException = new Error(`${code}: ${syscall}${subject === undefined ? '' : ` ${subject}`}`);
  error.code = code;
  error.errno = -errno;
  error.syscall = syscall;
  if (subject !== undefined) error.path = subject;
  return error;
}

/** util.getSystemErrorName knows only what libuv uses, so not ECHILD. */
function errnoName(errno: number): string {
  const entry = Object.entries(constants.errno).find(([name, value]) => value === errno && name !== 'EWOULDBLOCK');
  return entry?.[0] ?? `errno ${errno}`;
}

/** Passes the result of a call that sets errno on through, and throws when it is negative. */
export function check(syscall: string, result: number, subject?: string): number {
  if (result < 0) throw systemError(syscall, lastErrno(), subject);
  return result;
}

export function isSystemError(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return typeof error.code === 'string' && codes.includes(error.code);
}
