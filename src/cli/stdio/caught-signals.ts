// The signals that `berth run` and `berth exec` take in the place of their process.
import { constants } from 'node:os';

const caught = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT'] as const;

/** Those that ask for the end. */
const ending: readonly number[] = [
  constants.signals.SIGHUP,
  constants.signals.SIGINT,
  constants.signals.SIGQUIT,
  constants.signals.SIGTERM,
];

/** The function that it returns lets them go again. */
export function catchSignals(listener: (signal: number) => void): () => void {
  const onSignal = (_name: NodeJS.Signals, number: number) => listener(number);
  for (const name of caught) process.on(name, onSignal);
  return () => {
    for (const name of caught) process.off(name, onSignal);
  };
}

export function asksForEnd(signal: number): boolean {
  return ending.includes(signal);
}
