// Signals that are caught, listened to, remembered. They are emitted, not sent: nothing but the listeners counts here.
import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { test } from 'node:test';
import { CaughtSignals } from '../../../../src/cli/stdio/caught-signals.js';

function emit(name: 'SIGINT' | 'SIGTERM' | 'SIGUSR1'): void {
  const emitter: EventEmitter = process;
  emitter.emit(name, name, constants.signals[name]);
}

test('a signal that asks for the end is what the command ends with, and the first one counts', () => {
  const signals = new CaughtSignals();
  signals.throwIfInterrupted();
  emit('SIGUSR1');
  signals.throwIfInterrupted();
  emit('SIGTERM');
  assert.throws(() => signals.throwIfInterrupted(), { name: 'ExitError', code: 143, message: '' });
  signals.release();
});

test('a listener gets the signals, and none is remembered', () => {
  const signals = new CaughtSignals();
  const heard: number[] = [];
  const stop = signals.listen((signal) => heard.push(signal));
  emit('SIGINT');
  emit('SIGUSR1');
  stop();
  assert.deepEqual(heard, [constants.signals.SIGINT, constants.signals.SIGUSR1]);
  signals.throwIfInterrupted();
  signals.release();
});

test('after the release nobody listens to signals any more', () => {
  const before = process.listenerCount('SIGINT');
  const signals = new CaughtSignals();
  assert.equal(process.listenerCount('SIGINT'), before + 1);
  signals.release();
  assert.equal(process.listenerCount('SIGINT'), before);
});
