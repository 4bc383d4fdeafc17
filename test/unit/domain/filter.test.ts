import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/domain/errors.js';
import { mapField, parseFilters } from '../../../src/domain/filter.js';

const object = { id: 'web', labels: { app: 'shop', 'containerd.io/x': 'y' } as Record<string, string> };

function matches(...filters: string[]): boolean {
  return parseFilters(filters)(([field, ...rest]) => {
    if (field === 'id') return object.id;
    return field === 'labels' ? mapField(object.labels, rest) : undefined;
  });
}

test('no filter matches everything', () => assert.equal(matches(), true));

test('an equality matches the value only', () => {
  assert.equal(matches('id==web'), true);
  assert.equal(matches('id==we'), false);
});

test('an inequality matches an absent field', () => {
  assert.equal(matches('id!=db'), true);
  assert.equal(matches('image!=db'), true);
});

test('a regular expression may stand in slashes or bars', () => {
  assert.equal(matches('id~=/^w.b$/'), true);
  assert.equal(matches('id~=|^w\\wb$|'), true);
  assert.equal(matches('id~=^x'), false);
});

test('a quoted field reaches a label with dots', () => {
  assert.equal(matches('labels."containerd.io/x"==y'), true);
  assert.equal(matches('labels.app==shop'), true);
});

test('a field alone asks for presence', () => {
  assert.equal(matches('labels.app'), true);
  assert.equal(matches('labels.none'), false);
});

test('commas mean and, several filters mean or', () => {
  assert.equal(matches('id==web,labels.app==other'), false);
  assert.equal(matches('id==web,labels.app==shop'), true);
  assert.equal(matches('id==db', 'labels.app==shop'), true);
});

test('white space between tokens means nothing, and names may have digits and hyphens', () => {
  assert.equal(matches(' id == web , labels . app==shop '), true);
  assert.equal(matches('id==web, labels.app==other'), false);
  assert.equal(matches('labels.2-tier!=x'), true);
});

test('a label named like an Object method is not found by accident', () => {
  assert.equal(matches('labels.constructor'), false);
});

for (const bad of ['id==', '==web', 'id=web', 'id=="web', 'id==web,,', 'id~=/(/', 'id==web extra']) {
  test(`the filter ${JSON.stringify(bad)} is refused as an invalid argument`, () => {
    assert.throws(
      () => matches(bad),
      (error) => isBerthError(error, 'invalid-argument') && error.message.includes('filter'),
    );
  });
}
