import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerToWire, encodeContainer, encodeContainers } from '../../../src/api/encoded-containers.js';
import type { ContainerRecord } from '../../../src/domain/records.js';
import {
  GetContainerResponse,
  ListContainerMessage,
  ListContainersResponse,
} from '../../../src/generated/containerd/services/containers/v1/containers.js';

function recordNamed(id: string): ContainerRecord {
  return {
    namespace: 'default',
    id,
    labels: { a: 'label' },
    image: 'image',
    runtime: { name: 'io.containerd.runc.v2' },
    spec: { typeUrl: 'spec', value: Buffer.from('{}') },
    snapshotter: '',
    snapshotKey: '',
    sandbox: '',
    extensions: { x: { typeUrl: 'extension', value: Buffer.from('more') } },
    createdAt: 1_000_000_001n,
    updatedAt: 2_000_000_002n,
  };
}

test("one encoding is Get's answer, ListStream's message and a part of List's answer", () => {
  const [first, second] = [recordNamed('one'), recordNamed('two')];
  const { bytes } = encodeContainer(first);
  assert.deepEqual(GetContainerResponse.decode(bytes).container, containerToWire(first));
  assert.deepEqual(ListContainerMessage.decode(bytes).container, containerToWire(first));
  const list = ListContainersResponse.decode(encodeContainers([first, second]).bytes);
  assert.deepEqual(list.containers, [containerToWire(first), containerToWire(second)]);
});

test('a record is encoded once, and a changed one anew', () => {
  const record = recordNamed('one');
  assert.equal(encodeContainer(record), encodeContainer(record));
  const changed = { ...record, image: 'other' };
  assert.equal(GetContainerResponse.decode(encodeContainer(changed).bytes).container?.image, 'other');
});
