// One process of the container as clients see it, init or exec: its state, its stdio, its end.
import { Deferred } from '../src/base/deferred.js';
import { BerthError } from '../src/domain/errors.js';
import type { ProcessExit } from '../src/domain/exit.js';
import { stepState, type ProcessEvent, type ProcessState } from '../src/domain/process-state.js';
import type { Stdio } from '../src/domain/records.js';
import { isSystemError } from '../src/linux/libc.js';
import type { WindowSize } from '../src/linux/terminal.js';
import type { ProcessIo } from './stdio/process-io.js';

export interface ProcessNames {
  readonly containerId: string;
  /** Empty for the container's init. */
  readonly execId: string;
}

export class ContainerProcess {
  /** 0 until the runtime has made it. */
  pid = 0;
  exit: ProcessExit | undefined;
  /** It has been waited for, though its end may not be told yet: its pid may be another's by now. */
  gone = false;
  #state: ProcessState = 'created';
  #io: ProcessIo | undefined;
  #stdinClosed = false;
  readonly #ended = new Deferred<ProcessExit>();

  constructor(
    readonly names: ProcessNames,
    readonly stdio: Stdio,
  ) {}

  get state(): ProcessState {
    return this.#state;
  }

  /** How messages name it. */
  get label(): string {
    const { containerId, execId } = this.names;
    return execId === '' ? `task ${containerId}` : `exec ${execId} of task ${containerId}`;
  }

  /** Resolves when its end is on record. */
  get ended(): Promise<ProcessExit> {
    return this.#ended.promise;
  }

  get io(): ProcessIo | undefined {
    return this.#io;
  }

  /** Throws `failed-precondition` where the state's table has no such step. */
  step(event: ProcessEvent): void {
    this.#state = stepState(this.label, this.#state, event);
  }

  /** Takes the stdio over once the runtime has made the process. */
  async attach(pid: number, io: ProcessIo): Promise<void> {
    this.#io = io;
    await io.attach();
    if (this.#stdinClosed) io.closeStdin();
    this.pid = pid;
  }

  /** Its end is on record: now it may be told. */
  markEnded(exit: ProcessExit): void {
    this.#state = 'stopped';
    this.exit = exit;
    this.#io?.exited();
    this.#ended.resolve(exit);
  }

  closeStdin(): void {
    this.#stdinClosed = true;
    this.#io?.closeStdin();
  }

  resize(size: WindowSize): void {
    if (this.state === 'stopped') throw new BerthError('failed-precondition', `cannot resize ${this.label}: stopped`);
    this.#io?.resize(size);
  }

  /** As the process's parent we know that its pid is still its own until we have waited for it. */
  signal(signal: number): void {
    if (this.gone || this.state === 'stopped') {
      throw new BerthError('not-found', `process already finished: ${this.label}`);
    }
    if (this.pid === 0) throw new BerthError('failed-precondition', `process not created: ${this.label}`);
    try {
      process.kill(this.pid, signal);
    } catch (error) {
      if (isSystemError(error, 'ESRCH')) {
        throw new BerthError('not-found', `process already finished: ${this.label}`, { cause: error });
      }
      throw error;
    }
  }
}
