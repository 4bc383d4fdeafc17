// Our ends of a process's FIFOs, tied to our own standard streams.
import type { StdioPaths } from './fifo-set.js';
import { DetachFilter } from './detach-filter.js';
import { InputRelay } from './input-relay.js';
import { OutputRelay } from './output-relay.js';

export interface StreamListeners {
  /** Our standard output takes nothing any more. */
  readonly onBrokenOutput: (error: unknown) => void;
  /** All of our standard input is with the process. */
  readonly onStdinEnd: () => void;
  readonly onDetach: () => void;
}

export class ProcessStreams {
  readonly outputs: readonly OutputRelay[];
  readonly #stdout: OutputRelay | undefined;
  readonly #stderr: OutputRelay | undefined;
  #stdin: InputRelay | undefined;

  /** Throws, and leaves nothing open, where one of the FIFOs is not there. */
  constructor({ stdin, stdout, stderr }: StdioPaths) {
    try {
      this.#stdout = stdout === '' ? undefined : new OutputRelay(stdout);
      this.#stderr = stderr === '' ? undefined : new OutputRelay(stderr);
      this.#stdin = stdin === '' ? undefined : new InputRelay(stdin);
    } catch (error) {
      this.#stdout?.close();
      this.#stderr?.close();
      throw error;
    }
    this.outputs = [this.#stdout, this.#stderr].filter((relay) => relay !== undefined);
  }

  /** Detach keys are looked for in what is typed at a terminal; elsewhere they are bytes as others are. */
  start(detachKeys: Buffer, { onBrokenOutput, onStdinEnd, onDetach }: StreamListeners): void {
    this.#stdout?.start(process.stdout, onBrokenOutput);
    this.#stderr?.start(process.stderr, () => undefined);
    const watches = detachKeys.length > 0 && process.stdin.isTTY;
    this.#stdin?.start(
      process.stdin,
      onStdinEnd,
      watches ? { filter: new DetachFilter(detachKeys), onDetach } : undefined,
    );
  }

  /** No more of our input goes to the process. */
  closeStdin(): void {
    this.#stdin?.close();
    this.#stdin = undefined;
  }

  close(): void {
    for (const relay of this.outputs) relay.close();
    this.closeStdin();
  }
}
