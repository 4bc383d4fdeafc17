import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeJournaledExit, parseExitJournal, type JournaledExit } from '../../../src/domain/exit-journal.js';

const init: JournaledExit = {
  sequence: 2n,
  containerId: 'c1',
  execId: '',
  exit: {
    pid: 42,
    status: 137,
    signal: 9,
    exitedAt: 1_700_000_000_123_456_789n,
    provenance: 'waited',
    oomKilled: false,
  },
};
const exec: JournaledExit = { ...init, sequence: 1n, execId: 'e1', exit: { ...init.exit, status: 3, signal: 0 } };

test('what was written is read, to the nanosecond', () => {
  assert.deepEqual(parseExitJournal(encodeJournaledExit(exec) + encodeJournaledExit(init)), [exec, init]);
});

test('a torn last line is ignored wherever it is torn', () => {
  const first = encodeJournaledExit(exec);
  const second = encodeJournaledExit(init);
  for (let length = 0; length < second.length; length++) {
    assert.deepEqual(parseExitJournal(first + second.slice(0, length)), [exec], `torn at ${length}`);
  }
});

test('lines that are no exits are left out', () => {
  const noise = '\n{}\nnull\n[1]\n{"sequence":-1}\nnot json\n';
  assert.deepEqual(parseExitJournal(noise + encodeJournaledExit(init)), [init]);
  const invented = encodeJournaledExit(init).replace('waited', 'guessed');
  assert.deepEqual(parseExitJournal(invented), []);
  assert.deepEqual(parseExitJournal(''), []);
});
