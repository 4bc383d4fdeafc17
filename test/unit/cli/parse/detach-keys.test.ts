// Detach keys as podman and docker write them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../../src/cli/cli-error.js';
import { defaultDetachKeys, parseDetachKeys } from '../../../../src/cli/parse/detach-keys.js';

const sequences: readonly (readonly [text: string, bytes: readonly number[]])[] = [
  [defaultDetachKeys, [16, 17]],
  ['', []],
  ['a', [0x61]],
  ['A,z, ', [0x41, 0x7a, 0x20]],
  ['ctrl-a', [1]],
  ['ctrl-z', [26]],
  ['ctrl-@', [0]],
  ['ctrl-[', [27]],
  ['ctrl-\\', [28]],
  ['ctrl-]', [29]],
  ['ctrl-^', [30]],
  ['ctrl-_', [31]],
  ['ctrl-P,CTRL-q', [16, 17]],
  ['ctrl-x,ctrl-x,-', [24, 24, 0x2d]],
];

for (const [text, bytes] of sequences) {
  test(`${JSON.stringify(text)} is ${bytes.length} bytes`, () => {
    assert.deepEqual([...parseDetachKeys(text)], bytes);
  });
}

for (const text of [
  ',',
  'a,',
  'ctrl-',
  'ctrl-1',
  'ctrl-ab',
  'ctrl',
  'ab',
  'alt-a',
  'é',
  'ctrl-é',
  '\n',
  'ctrl-p, ctrl-q',
]) {
  test(`${JSON.stringify(text)} is refused, with the key that is wrong`, () => {
    assert.throws(
      () => parseDetachKeys(text),
      (error) => error instanceof UsageError && error.message.startsWith(`detach keys ${JSON.stringify(text)}: `),
    );
  });
}
