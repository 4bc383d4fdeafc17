import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodeJournalRecord,
  parseExitJournal,
  parseJournal,
  type JournaledExit,
  type JournaledOutOfMemory,
} from '../../../src/domain/exit-journal.js';

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
  assert.deepEqual(parseExitJournal(encodeJournalRecord(exec) + encodeJournalRecord(init)), [exec, init]);
});

test('notices of kills for want of memory are read in their place, and are no exits', () => {
  const notice: JournaledOutOfMemory = { sequence: 2n, containerId: 'c1', outOfMemoryAt: 1_700_000_000_123_456_789n };
  const text = [exec, notice, init].map(encodeJournalRecord).join('');
  assert.deepEqual(parseJournal(text), [exec, notice, init]);
  assert.deepEqual(parseExitJournal(text), [exec, init]);
});

test('a line that an earlier shim wrote is read', () => {
  const line =
    '{"sequence":1,"container":"c1","exec":"e1","pid":42,"status":3,"signal":0,"time":"1700000000123456789",' +
    '"provenance":"waited","oomKilled":false}\n';
  assert.deepEqual(parseJournal(line), [exec]);
});

test('a torn last line is ignored wherever it is torn', () => {
  const first = encodeJournalRecord(exec);
  const second = encodeJournalRecord(init);
  for (let length = 0; length < second.length; length++) {
    assert.deepEqual(parseExitJournal(first + second.slice(0, length)), [exec], `torn at ${length}`);
  }
});

test('lines that are no exits are left out', () => {
  const noise = '\n{}\nnull\n[1]\n{"sequence":-1}\nnot json\n';
  assert.deepEqual(parseExitJournal(noise + encodeJournalRecord(init)), [init]);
  const invented = encodeJournalRecord(init).replace('waited', 'guessed');
  assert.deepEqual(parseExitJournal(invented), []);
  assert.deepEqual(parseExitJournal(''), []);
});
