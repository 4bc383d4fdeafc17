// Signals by name and by number.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../../src/cli/cli-error.js';
import { parseSignal, signalName } from '../../../../src/cli/parse/signal.js';

for (const [text, number] of [
  ['TERM', 15],
  ['SIGTERM', 15],
  ['sigterm', 15],
  ['Hup', 1],
  ['KILL', 9],
  ['USR1', 10],
  ['9', 9],
  ['64', 64],
  ['RTMIN', 34],
  ['SIGRTMIN+3', 37],
  ['RTMAX', 64],
  ['RTMAX-1', 63],
] as const) {
  test(`${text} is signal ${number}`, () => assert.equal(parseSignal(text), number));
}

for (const text of ['', 'FOO', 'SIG', 'SIGSIGTERM', '0', '65', '-1', '1.5', 'RTMIN+31', 'RTMAX-31', 'constructor']) {
  test(`${JSON.stringify(text)} is no signal`, () => assert.throws(() => parseSignal(text), UsageError));
}

test('a signal has its name, and its number where it has none', () => {
  assert.equal(signalName(15), 'SIGTERM');
  assert.equal(signalName(40), '40');
});
