// Small chunks put together, and what comes before a failure.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatheredPieces } from '../../../src/base/gathered-pieces.js';

async function* chunks(texts: readonly string[], failure?: Error): AsyncGenerator<Uint8Array> {
  yield* texts.map((text) => Buffer.from(text));
  if (failure !== undefined) throw failure;
}

test('every piece is full but for the last', async () => {
  const pieces: string[] = [];
  for await (const piece of gatheredPieces(chunks(['a', 'bcdefgh', '', 'ij']), 4)) pieces.push(piece.toString());
  assert.deepEqual(pieces, ['abcd', 'efgh', 'ij']);
  for await (const piece of gatheredPieces(chunks([]), 4)) assert.fail(piece.toString());
});

test('a failure comes after what came before it', async () => {
  const pieces: string[] = [];
  const failing = async () => {
    for await (const piece of gatheredPieces(chunks(['abcde'], new Error('cut')), 4)) pieces.push(piece.toString());
  };
  await assert.rejects(failing, { message: 'cut' });
  assert.deepEqual(pieces, ['abcd', 'e']);
});
