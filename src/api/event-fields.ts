// The fields of an event that a filter may name: namespace, topic, and event.FIELD of containerd's own messages.
import type { FieldLookup } from '../domain/filter.js';
import type { EventRecord } from '../domain/records.js';
import * as containerEvents from '../generated/containerd/events/container.js';
import * as namespaceEvents from '../generated/containerd/events/namespace.js';
import * as taskEvents from '../generated/containerd/events/task.js';

interface Decoder {
  decode(bytes: Uint8Array): object;
}

const decoders = decodersOf(containerEvents, namespaceEvents, taskEvents);

export function eventFields({ namespace, topic, event }: EventRecord): FieldLookup {
  let decoded: unknown;
  return ([field, ...rest]) => {
    switch (field) {
      case 'namespace':
        return namespace;
      case 'topic':
        return topic;
      case 'event':
        decoded ??= decoders.get(event.typeUrl)?.decode(event.value) ?? {};
        return fieldAt(decoded, rest);
      default:
        return undefined;
    }
  };
}

/** Proto names such as container_id; what is empty counts as absent, as in containerd. */
function fieldAt(message: unknown, [name, ...rest]: readonly string[]): string | undefined {
  if (name === undefined || typeof message !== 'object' || message === null) return undefined;
  const camel = name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
  const value: unknown = Reflect.get(message, camel);
  if (typeof value === 'object' && rest.length > 0) {
    return fieldAt(value, name === 'labels' || name === 'annotations' ? [rest.join('.')] : rest);
  }
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined;
  return value === '' ? undefined : String(value);
}

function decodersOf(...modules: readonly object[]): Map<string, Decoder> {
  const found = new Map<string, Decoder>();
  for (const module of modules) {
    for (const [name, value] of Object.entries(module)) {
      if (isDecoder(value)) found.set(`containerd.events.${name}`, value);
    }
  }
  return found;
}

function isDecoder(value: unknown): value is Decoder {
  return typeof value === 'object' && value !== null && 'decode' in value;
}
