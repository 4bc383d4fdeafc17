// Container records as they go over the wire, encoded once for as long as a record stays what it is. In GetContainerResponse,
// ListContainersResponse and ListContainerMessage alike the container is field 1, so one encoding serves all three, and a
// list is its records' encodings one after the other.
import type { ContainerRecord } from '../domain/records.js';
import { type Container, GetContainerResponse } from '../generated/containerd/services/containers/v1/containers.js';
import { anyFromTyped, timestampFromNanos } from '../supervisor/wire-values.js';
import { EncodedMessage } from './encoded-message.js';

const encoded = new WeakMap<ContainerRecord, EncodedMessage>();

export function encodeContainer(record: ContainerRecord): EncodedMessage {
  let message = encoded.get(record);
  if (message === undefined) {
    message = new EncodedMessage(
      Buffer.from(GetContainerResponse.encode({ container: containerToWire(record) }).finish()),
    );
    encoded.set(record, message);
  }
  return message;
}

export function encodeContainers(records: readonly ContainerRecord[]): EncodedMessage {
  return new EncodedMessage(Buffer.concat(records.map((record) => encodeContainer(record).bytes)));
}

export function containerToWire(record: ContainerRecord): Container {
  const extensions: Container['extensions'] = {};
  for (const [name, value] of Object.entries(record.extensions)) {
    const any = anyFromTyped(value);
    if (any !== undefined) extensions[name] = any;
  }
  return {
    id: record.id,
    labels: { ...record.labels },
    image: record.image,
    runtime: { name: record.runtime.name, options: anyFromTyped(record.runtime.options) },
    spec: anyFromTyped(record.spec),
    snapshotter: record.snapshotter,
    snapshotKey: record.snapshotKey,
    createdAt: timestampFromNanos(record.createdAt),
    updatedAt: timestampFromNanos(record.updatedAt),
    extensions,
    sandbox: record.sandbox,
  };
}
