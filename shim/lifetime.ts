// When the shim ends: on Shutdown, when nobody has use for it, and never by accident while a container lives, since the
// container's stdio and the record of its exit would go with it.
import type { Log } from '../src/base/log.js';
import { messageOf } from '../src/domain/errors.js';
import type { Task } from './task.js';

/** A shim without a container for so long was forgotten by whoever started it. */
const idleTimeoutMs = 60_000;
/** After so many failures of its own code the shim stops writing them down, lest it fill the disk. */
const maxLoggedFailures = 100;

const politeSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** SIGUSR1 would make Node open a debugger's port. */
const ignoredSignals = ['SIGPIPE', 'SIGUSR1', 'SIGUSR2'] as const;

export interface LifetimeOptions {
  readonly task: Task;
  readonly log: Log;
  /** Ends the process with this code. */
  readonly end: (code: number) => void;
}

export function guardLifetime({ task, log, end }: LifetimeOptions): void {
  for (const signal of politeSignals) {
    process.on(signal, () => {
      if (task.live) log.warn('signal ignored, as the container lives', { signal });
      else end(0);
    });
  }
  for (const signal of ignoredSignals) process.on(signal, () => undefined);

  let failures = 0;
  const onFailure = (error: unknown): void => {
    failures++;
    if (failures <= maxLoggedFailures) {
      const stack = error instanceof Error ? error.stack : undefined;
      log.error('unexpected failure', { error: messageOf(error), stack });
    }
    // With a container a damaged shim is better than none: its other calls, its exits and its stdio mostly go on.
    if (!task.live) end(1);
  };
  process.on('uncaughtException', onFailure);
  process.on('unhandledRejection', onFailure);
  endWhenIdle(task, log, end);
}

function endWhenIdle(task: Task, log: Log, end: (code: number) => void): void {
  let idleSince = performance.now();
  const timer = setInterval(() => {
    if (task.busy) idleSince = performance.now();
    if (performance.now() - idleSince < idleTimeoutMs) return;
    log.info('no container for too long');
    end(0);
  }, idleTimeoutMs / 10);
  timer.unref();
}
