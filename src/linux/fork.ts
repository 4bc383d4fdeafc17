// Forks this Node process: the one way to a new process with everything loaded. Needs `--single-threaded` and
// `--v8-pool-size=0`, and an event loop at rest. docs/adr/0010-zygote-and-memory.md says why each step is there.
import { closeSync, writeSync } from 'node:fs';
import { hasAllMappings, markMappingsForFork } from './fork-mappings.js';
import { bindLibc, check, isSystemError, loadKoffi, systemError } from './libc.js';
import { openPipe, type PipeEnds } from './pipe.js';

/** Of several thousand forks one in a hundred needed a second; none a third. */
const maxAttempts = 4;
/** Enough for V8 to have compiled the way to a fork as far as it ever will. */
const warmUpRounds = 200;
const practiceForks = 3;

const SIGKILL = 9;
const EAGAIN = 11;
const failureExitCode = 1;

const libcFork = bindLibc('int fork()');
const libcExit = bindLibc('void _exit(int status)');
const getpid = bindLibc('int getpid()');
const kill = bindLibc('int kill(int pid, int signal)');
const waitpid = bindLibc('int waitpid(int pid, _Out_ int *status, int options)');
const read = bindLibc('long read(int fd, _Out_ uint8_t *bytes, size_t count)');

/** Less than a pipe holds, so that letting a child go never blocks. */
const maxWordBytes = 16 * 1024;
/** Where a child finds its word. */
const word = Buffer.alloc(maxWordBytes);
/** What a child finds at its gate before its word, as soon as it was found whole. */
const wholeMark = '+';

/** A child that waits for a word. When its parent ends without one, so does it. */
export interface WaitingChild {
  readonly pid: number;
  /** Forks that it took, as some children lack a mapping. */
  readonly attempts: number;
  /** Lets it go with a word of less than 16 KiB. Throws EPIPE when it has ended; it is to be waited for either way. */
  release(word: string): void;
  /** Forgets it without a word. */
  dismiss(): void;
}

/**
 * Returns, in the parent at once, the child; and in the child, once it is let go, its word. The child then has a new event
 * loop and its own `process.pid`, and ends by libc's `_exit`. Before it waits it does what `prepare` does.
 */
export function forkNode(prepare?: () => void): WaitingChild | string {
  for (let attempts = 1; attempts <= maxAttempts; attempts++) {
    // The child waits at this gate.
    const gate = openPipe();
    markMappingsForFork();
    const pid = libcFork();
    if (pid === 0) return childOrNothing(gate, prepare);
    let isReady = false;
    try {
      check('fork', pid);
      isReady = isWhole(pid) && tellWhole(pid, gate.write);
    } finally {
      closeSync(gate.read);
      if (!isReady) closeSync(gate.write);
    }
    if (isReady) return waitingChild(pid, attempts, gate.write);
  }
  throw systemError('fork', EAGAIN, `${maxAttempts} children that lacked mappings`);
}

function waitingChild(pid: number, attempts: number, gate: number): WaitingChild {
  return {
    pid,
    attempts,
    release: (text) => {
      try {
        writeSync(gate, text);
      } finally {
        closeSync(gate);
      }
    },
    dismiss: () => closeSync(gate),
  };
}

/** Compiles, binds and tries everything; throws where forking does not work. */
export function prepareFork(): void {
  bindLoop();
  for (let round = 0; round < warmUpRounds; round++) {
    markMappingsForFork();
    hasAllMappings(process.pid);
  }
  for (let round = 0; round < practiceForks; round++) {
    const child = forkNode();
    if (typeof child === 'string') return exitNow(0);
    child.release('practice');
    if (wait(child.pid) !== 0) throw new Error('a practice fork failed');
  }
}

/** Ends the process without Node's own ending, which would join threads that a forked child does not have. */
export function exitNow(code: number): never {
  libcExit(code);
  throw new Error('_exit has returned');
}

/** Ends a child that is not. */
function isWhole(pid: number): boolean {
  try {
    if (hasAllMappings(pid)) return true;
  } catch (error) {
    endChild(pid);
    throw error;
  }
  endChild(pid);
  return false;
}

/** Ends a child that cannot be told. */
function tellWhole(pid: number, gate: number): boolean {
  try {
    writeSync(gate, wholeMark);
    return true;
  } catch (error) {
    endChild(pid);
    // It has been killed.
    if (!isSystemError(error, 'EPIPE')) throw error;
    return false;
  }
}

/** Nothing of the child's may come back into what its parent was doing. */
function childOrNothing(gate: PipeEnds, prepare: (() => void) | undefined): string {
  try {
    return becomeChild(gate, prepare);
  } catch {
    // Whoever waits for it sees its end.
    return exitNow(failureExitCode);
  }
}

function becomeChild(gate: PipeEnds, prepare: (() => void) | undefined): string {
  closeSync(gate.write);
  // Before that it may lack what it touches, and what it maps would look like something that it lacks.
  if (read(gate.read, word, wholeMark.length) <= 0) exitNow(failureExitCode);
  renewLoop();
  // Node reads the pid once and keeps it.
  Object.defineProperty(process, 'pid', { value: getpid(), configurable: true, enumerable: true });
  Object.assign(process, { reallyExit: (code: number | undefined) => exitNow(code ?? 0) });
  // For an end that nobody asked for: nothing left to wait for, or an exception.
  process.on('exit', exitNow);
  prepare?.();
  const length = readWord(gate.read);
  // The end of the file: our parent has ended.
  if (length === 0) exitNow(failureExitCode);
  closeSync(gate.read);
  return word.toString('utf8', 0, length);
}

/** Reads until the parent closes its end. */
function readWord(gate: number): number {
  let length = 0;
  for (;;) {
    const count = read(gate, word.subarray(length), word.length - length);
    if (count <= 0) return length;
    length += count;
  }
}

interface LoopCalls {
  readonly fork: (loop: object) => number;
  readonly loop: object;
}

let loopCalls: LoopCalls | undefined;

/** Binds what the node binary itself exports. */
function bindLoop(): LoopCalls {
  if (loopCalls !== undefined) return loopCalls;
  const node = loadKoffi().load(null);
  const defaultLoop = node.func('void *uv_default_loop()') as () => object;
  loopCalls = { fork: node.func('int uv_loop_fork(void *loop)') as LoopCalls['fork'], loop: defaultLoop() };
  return loopCalls;
}

function renewLoop(): void {
  const { fork, loop } = bindLoop();
  const result = fork(loop);
  if (result < 0) throw systemError('uv_loop_fork', -result);
}

/** Kills it and waits until it has ended. */
export function endChild(pid: number): void {
  kill(pid, SIGKILL);
  wait(pid);
}

/** Blocks until the child has ended; what wait(2) stores. */
function wait(pid: number): number {
  const status = [0];
  check('waitpid', waitpid(pid, status, 0), `pid ${pid}`);
  return status[0] ?? 0;
}
