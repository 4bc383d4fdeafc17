import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deferred } from '../../../src/base/deferred.js';
import { encodeRecord } from '../../../src/store/codec.js';
import { ResidentRecords } from '../../../src/store/resident-records.js';

interface Word {
  readonly word: string;
}

const text = (word: string) => encodeRecord({ word });

function residentOf(entries: readonly (readonly [string, string])[], limit?: number) {
  let reads = 0;
  const resident = new ResidentRecords<Word>(async function* () {
    reads += 1;
    for (const [key, word] of entries) yield [key, text(word)] as [string, string];
  }, limit);
  return { resident, reads: () => reads };
}

test('records are read once, in key order and by prefix', async () => {
  const { resident, reads } = residentOf([
    ['b/2', 'two'],
    ['a/1', 'one'],
    ['b/10', 'ten'],
  ]);
  assert.equal(await resident.ready(), true);
  assert.equal(await resident.ready(), true);
  assert.equal(reads(), 1);
  assert.deepEqual(
    resident.list('b/').map(({ word }) => word),
    ['ten', 'two'],
  );
  assert.equal(resident.find('a/1')?.word, 'one');
  assert.equal(resident.find('a/2'), undefined);
});

test('a record stays the same object until it changes', async () => {
  const { resident } = residentOf([['a', 'one']]);
  await resident.ready();
  const first = resident.find('a');
  assert.equal(resident.list('')[0], first);
  resident.apply('a', text('other'));
  assert.notEqual(resident.find('a'), first);
  assert.equal(resident.find('a')?.word, 'other');
});

test('what is committed comes and goes', async () => {
  const { resident } = residentOf([['a', 'one']]);
  await resident.ready();
  resident.apply('b', text('two'));
  resident.apply('a', undefined);
  assert.deepEqual(
    resident.list('').map(({ word }) => word),
    ['two'],
  );
});

test('what is committed while the others are read is not overwritten by what was there before', async () => {
  const gate = new Deferred<undefined>();
  const resident = new ResidentRecords<Word>(async function* () {
    await gate.promise;
    for (const key of ['changed', 'removed', 'removed and made again', 'same']) yield [key, text('old')];
  });
  const ready = resident.ready();
  resident.apply('changed', text('new'));
  resident.apply('removed', undefined);
  resident.apply('removed and made again', undefined);
  resident.apply('removed and made again', text('new'));
  gate.resolve(undefined);
  assert.equal(await ready, true);
  assert.deepEqual(
    resident.list('').map(({ word }) => word),
    ['new', 'new', 'old'],
  );
  assert.equal(resident.find('removed'), undefined);
});

test('more than the limit is not kept', async () => {
  const { resident, reads } = residentOf([['a', 'a word that is too long']], 10);
  assert.equal(await resident.ready(), false);
  assert.equal(await resident.ready(), false);
  assert.equal(reads(), 1);
  const grown = residentOf([['a', 'one']], text('one').length).resident;
  assert.equal(await grown.ready(), true);
  grown.apply('b', text('two'));
  assert.equal(await grown.ready(), false);
});

test('a failed read is told, and tried again', async () => {
  let fails = true;
  const resident = new ResidentRecords<Word>(async function* () {
    if (fails) throw new Error('no disk');
    yield ['a', text('one')];
  });
  await assert.rejects(resident.ready(), /no disk/);
  fails = false;
  assert.equal(await resident.ready(), true);
  assert.equal(resident.find('a')?.word, 'one');
});
