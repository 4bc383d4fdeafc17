import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainIds } from '../../../src/domain/chain-id.js';
import { isBerthError } from '../../../src/domain/errors.js';
import { parseConfig, parseIndex, parseManifest } from '../../../src/domain/oci-image.js';

const digest = `sha256:${'a'.repeat(64)}`;
const descriptor = { mediaType: 'x', digest, size: 1 };

function bytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

test('a chain id tells a layer and all below it', () => {
  // SHA-256 of 'ONE TWO', by another program.
  const [one, two] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`];
  assert.deepEqual(chainIds([]), []);
  assert.deepEqual(chainIds([one]), [one]);
  const [, both] = chainIds([one, two]);
  assert.equal(both, 'sha256:9932074217c35353d2e03a3f5a86549f7c67bfeb0ba53e23d69f4d4c8f7958f5');
  assert.notEqual(both, chainIds([two, one])[1]);
  assert.equal(chainIds([one, two, one]).length, 3);
});

test('documents that are not what they should be are refused', () => {
  assert.deepEqual(parseManifest('m', bytes({ config: descriptor, layers: [descriptor] })).layers[0]?.digest, digest);
  assert.equal(
    parseIndex('i', bytes({ manifests: [{ ...descriptor, platform: { os: 'linux' } }] })).manifests.length,
    1,
  );
  assert.deepEqual(parseConfig('c', bytes({ rootfs: { type: 'layers', diff_ids: [digest] } })).rootfs.diff_ids, [
    digest,
  ]);
  const refused = [
    () => parseManifest('m', Buffer.from('{')),
    () => parseManifest('m', bytes([])),
    () => parseManifest('m', bytes({ manifests: [] })),
    // A manifest that is an index as well: two readers could disagree on what it says.
    () => parseManifest('m', bytes({ config: descriptor, layers: [], manifests: [] })),
    () => parseManifest('m', bytes({ config: { ...descriptor, digest: '../../etc' }, layers: [] })),
    () => parseManifest('m', bytes({ config: descriptor, layers: [{ ...descriptor, size: -1 }] })),
    () => parseIndex('i', bytes({ layers: [] })),
    () => parseIndex('i', bytes({ manifests: [null] })),
    () => parseConfig('c', bytes({ rootfs: { diff_ids: ['x'] } })),
    () => parseConfig('c', bytes({})),
  ];
  for (const work of refused) assert.throws(work, (error) => isBerthError(error, 'invalid-argument'), work.toString());
});
