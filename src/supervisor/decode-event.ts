// What containerd's own event messages say, decoded by their type.
import type { TypedValue } from '../domain/records.js';
import * as containerEvents from '../generated/containerd/events/container.js';
import * as contentEvents from '../generated/containerd/events/content.js';
import * as namespaceEvents from '../generated/containerd/events/namespace.js';
import * as snapshotEvents from '../generated/containerd/events/snapshot.js';
import * as taskEvents from '../generated/containerd/events/task.js';
import * as imageEvents from '../generated/containerd/services/images/v1/events.js';

interface Decoder {
  decode(bytes: Uint8Array): object;
}

const decoders = decodersOf(containerEvents, contentEvents, imageEvents, namespaceEvents, snapshotEvents, taskEvents);

/**
 * The message's fields by their TypeScript names; none for a type that is not containerd's, nor for a value that is not of
 * its type: any client may publish such an event, and everybody who filters or reads events goes on all the same.
 */
export function decodeEvent({ typeUrl, value }: TypedValue): Readonly<Record<string, unknown>> {
  try {
    return { ...decoders.get(typeUrl)?.decode(value) };
  } catch {
    return {};
  }
}

function decodersOf(...modules: readonly { readonly protobufPackage: string }[]): Map<string, Decoder> {
  const found = new Map<string, Decoder>();
  for (const module of modules) {
    for (const [name, value] of Object.entries(module)) {
      if (isDecoder(value)) found.set(`${module.protobufPackage}.${name}`, value);
    }
  }
  return found;
}

function isDecoder(value: unknown): value is Decoder {
  return typeof value === 'object' && value !== null && 'decode' in value;
}
