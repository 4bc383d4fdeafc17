// What a google.protobuf.Any may hold on containerd's wire: events and options as protobuf, specs as JSON.
import type { BinaryReader } from '@bufbuild/protobuf/wire';
import * as containerEvents from '../generated/containerd/events/container.js';
import * as contentEvents from '../generated/containerd/events/content.js';
import * as namespaceEvents from '../generated/containerd/events/namespace.js';
import * as snapshotEvents from '../generated/containerd/events/snapshot.js';
import * as taskEvents from '../generated/containerd/events/task.js';
import * as runcOptions from '../generated/containerd/runc/v1/oci.js';
import * as imageEvents from '../generated/containerd/services/images/v1/events.js';
import type { Any } from '../generated/google/protobuf/any.js';
import { BerthError } from '../domain/errors.js';

interface Codec {
  decode(input: BinaryReader | Uint8Array): unknown;
  encode(message: never): { finish(): Uint8Array };
  fromPartial(object: object): unknown;
}

const modules = {
  'containerd.events': [containerEvents, contentEvents, namespaceEvents, snapshotEvents, taskEvents],
  'containerd.services.images.v1': [imageEvents],
  'containerd.runc.v1': [runcOptions],
} as const;

/** Values of these types are JSON. */
const jsonTypePrefix = 'types.containerd.io/';

/** The message or JSON value inside; its bytes where the type is not known or they do not decode. */
export function decodeAny(any: Any): unknown {
  try {
    if (any.typeUrl.startsWith(jsonTypePrefix)) return parseJson(any.value);
    return findCodec(any.typeUrl)?.decode(any.value) ?? any.value;
  } catch {
    return any.value;
  }
}

/** The reverse; `value` has the members that the type has. Throws `invalid-argument` for a type it does not know. */
export function encodeAny(typeUrl: string, value: object): Any {
  if (typeUrl.startsWith(jsonTypePrefix)) return jsonAny(typeUrl, value);
  const codec = findCodec(typeUrl);
  if (codec === undefined) throw new BerthError('invalid-argument', `cannot encode a value of type ${typeUrl}`);
  return { typeUrl, value: Buffer.from(codec.encode(codec.fromPartial(value) as never).finish()) };
}

/** A JSON value in an Any, as specs travel. */
export function jsonAny(typeUrl: string, value: object): Any {
  return { typeUrl, value: Buffer.from(JSON.stringify(value)) };
}

export function parseJson(value: Uint8Array): unknown {
  return JSON.parse(Buffer.from(value).toString('utf8')) as unknown;
}

function findCodec(typeUrl: string): Codec | undefined {
  const name = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  const [packageName, message] = [name.slice(0, dot), name.slice(dot + 1)];
  const candidates: readonly Readonly<Record<string, unknown>>[] = Object.hasOwn(modules, packageName)
    ? modules[packageName as keyof typeof modules]
    : [];
  return candidates.map((module) => module[message]).find(isCodec);
}

function isCodec(value: unknown): value is Codec {
  return typeof value === 'object' && value !== null && 'decode' in value && 'fromPartial' in value;
}
