import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UndoStack } from '../../../src/base/undo-stack.js';
import { BerthError, messageOf, originalError } from '../../../src/domain/errors.js';

const failure = new BerthError('not-found', 'the cause of it all');

async function failTwice(): Promise<void> {
  await using undo = new UndoStack();
  undo.push(() => Promise.reject(new Error('undoing failed, too')));
  throw failure;
}

test('a failure whose undoing fails as well is still told as itself', async () => {
  const thrown = await failTwice().catch((error: unknown) => error);
  assert.notEqual(thrown, failure);
  assert.equal(originalError(thrown), failure);
  assert.equal(messageOf(thrown), 'the cause of it all');
});

test('any other error is its own original', () => {
  assert.equal(originalError(failure), failure);
  assert.equal(originalError('text'), 'text');
  assert.equal(messageOf('text'), 'text');
});
