// The life of one process (a container's init or an exec) as a table: what may happen in which state.
import { BerthError } from './errors.js';

export type ProcessState = 'created' | 'running' | 'pausing' | 'paused' | 'stopped';
export type ProcessEvent = 'start' | 'pause' | 'paused' | 'pause-failed' | 'resume' | 'exit';

const transitions = {
  created: { start: 'running', exit: 'stopped' },
  running: { pause: 'pausing', exit: 'stopped' },
  pausing: { paused: 'paused', 'pause-failed': 'running', exit: 'stopped' },
  paused: { resume: 'running', exit: 'stopped' },
  stopped: {},
} as const satisfies Record<ProcessState, Partial<Record<ProcessEvent, ProcessState>>>;

/** The state after `event`, or undefined where the table has no such step. */
export function nextState(state: ProcessState, event: ProcessEvent): ProcessState | undefined {
  const row: Partial<Record<ProcessEvent, ProcessState>> = transitions[state];
  return row[event];
}

/** The state after `event`; throws `failed-precondition` where the table has no such step. */
export function stepState(what: string, state: ProcessState, event: ProcessEvent): ProcessState {
  const next = nextState(state, event);
  if (next === undefined) throw new BerthError('failed-precondition', `${what} is ${state}: cannot ${event}`);
  return next;
}
