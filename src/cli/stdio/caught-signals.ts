// The signals that `berth run` and `berth exec` take in the place of their process, for as long as they have something
// that would be left behind.
import { constants } from 'node:os';
import { ExitError } from '../cli-error.js';
import { exitCodeOfSignal } from '../exit-codes.js';

const caught = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT'] as const;

/** Those that ask for the end. */
const ending: readonly number[] = [
  constants.signals.SIGHUP,
  constants.signals.SIGINT,
  constants.signals.SIGQUIT,
  constants.signals.SIGTERM,
];

/**
 * While nobody listens (before the process has started, and while it is taken away) the first signal that asks for the
 * end is remembered, and a second one ends us at once.
 */
export class CaughtSignals {
  #listener: ((signal: number) => void) | undefined;
  #interrupt: number | undefined;
  readonly #onSignal = (_name: NodeJS.Signals, signal: number): void => {
    if (this.#listener !== undefined) this.#listener(signal);
    else if (asksForEnd(signal)) this.#interruptBy(signal);
  };

  constructor() {
    for (const name of caught) process.on(name, this.#onSignal);
  }

  /** The function that it returns ends the listening. */
  listen(listener: (signal: number) => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = undefined;
    };
  }

  /** Throws what the command ends with when a signal has asked for the end. */
  throwIfInterrupted(): void {
    if (this.#interrupt !== undefined) throw new ExitError(exitCodeOfSignal(this.#interrupt));
  }

  release(): void {
    for (const name of caught) process.off(name, this.#onSignal);
  }

  #interruptBy(signal: number): void {
    if (this.#interrupt !== undefined) process.exit(exitCodeOfSignal(signal));
    this.#interrupt = signal;
  }
}

export function asksForEnd(signal: number): boolean {
  return ending.includes(signal);
}
