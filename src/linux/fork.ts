// Forks this Node process: the one way to a new process with everything loaded. Needs `--single-threaded` and
// `--v8-pool-size=0`, and an event loop at rest. docs/adr/0010-zygote-and-memory.md says why each step is there.
import { closeSync } from 'node:fs';
import { hasAllMappings, markMappingsForFork } from './fork-mappings.js';
import { bindLibc, check, loadKoffi, systemError } from './libc.js';
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
const write = bindLibc('long write(int fd, const uint8_t *bytes, size_t count)');

const gateByte = new Uint8Array(1);

export interface Forked {
  readonly pid: number;
  /** Forks that it took, as some children lack a mapping. */
  readonly attempts: number;
}

/**
 * Returns undefined in the child, which has a new event loop and its own `process.pid`, and ends by libc's `_exit`.
 * `onForked` is called in the parent, before the child runs.
 */
export function forkNode(onForked: (child: Forked) => void = () => undefined): Forked | undefined {
  for (let attempts = 1; attempts <= maxAttempts; attempts++) {
    // The child waits at this gate until it is known to be whole.
    const gate = openPipe();
    markMappingsForFork();
    const pid = libcFork();
    if (pid === 0) {
      becomeChild(gate);
      return undefined;
    }
    try {
      check('fork', pid);
      if (!release({ pid, attempts }, gate, onForked)) continue;
      return { pid, attempts };
    } finally {
      closeSync(gate.read);
      closeSync(gate.write);
    }
  }
  throw systemError('fork', EAGAIN, `${maxAttempts} children that lacked mappings`);
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
    if (child === undefined) exitNow(0);
    else if (wait(child.pid) !== 0) throw new Error('a practice fork failed');
  }
}

/** Ends the process without Node's own ending, which would join threads that a forked child does not have. */
export function exitNow(code: number): void {
  libcExit(code);
}

/** Lets the child go if it is whole; else it is ended and false is returned. */
function release(child: Forked, gate: PipeEnds, onForked: (child: Forked) => void): boolean {
  try {
    if (!hasAllMappings(child.pid)) {
      discard(child.pid);
      return false;
    }
    onForked(child);
  } catch (error) {
    discard(child.pid);
    throw error;
  }
  write(gate.write, gateByte, 1);
  return true;
}

function becomeChild(gate: PipeEnds): void {
  closeSync(gate.write);
  // The end of the file: our parent has ended.
  if (read(gate.read, gateByte, 1) !== 1) exitNow(failureExitCode);
  renewLoop();
  closeSync(gate.read);
  // Node reads the pid once and keeps it.
  Object.defineProperty(process, 'pid', { value: getpid(), configurable: true, enumerable: true });
  Object.assign(process, { reallyExit: (code: number | undefined) => exitNow(code ?? 0) });
  // For an end that nobody asked for: nothing left to wait for, or an exception.
  process.on('exit', exitNow);
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

function discard(pid: number): void {
  kill(pid, SIGKILL);
  wait(pid);
}

/** Blocks until the child has ended; what wait(2) stores. */
function wait(pid: number): number {
  const status = [0];
  check('waitpid', waitpid(pid, status, 0), `pid ${pid}`);
  return status[0] ?? 0;
}
