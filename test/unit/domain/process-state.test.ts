import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextState, type ProcessEvent, type ProcessState } from '../../../src/domain/process-state.js';

/** Every state by every event; undefined is refused. Written out again on purpose: the table must not change unseen. */
const expected: Record<ProcessState, Record<ProcessEvent, ProcessState | undefined>> = {
  created: {
    start: 'running',
    pause: undefined,
    paused: undefined,
    'pause-failed': undefined,
    resume: undefined,
    exit: 'stopped',
  },
  running: {
    start: undefined,
    pause: 'pausing',
    paused: undefined,
    'pause-failed': undefined,
    resume: undefined,
    exit: 'stopped',
  },
  pausing: {
    start: undefined,
    pause: undefined,
    paused: 'paused',
    'pause-failed': 'running',
    resume: undefined,
    exit: 'stopped',
  },
  paused: {
    start: undefined,
    pause: undefined,
    paused: undefined,
    'pause-failed': undefined,
    resume: 'running',
    exit: 'stopped',
  },
  stopped: {
    start: undefined,
    pause: undefined,
    paused: undefined,
    'pause-failed': undefined,
    resume: undefined,
    exit: undefined,
  },
};

for (const [state, row] of Object.entries(expected)) {
  for (const [event, next] of Object.entries(row)) {
    test(`a ${state} process that meets "${event}" ${next === undefined ? 'refuses it' : `becomes ${next}`}`, () => {
      assert.equal(nextState(state as ProcessState, event as ProcessEvent), next);
    });
  }
}
