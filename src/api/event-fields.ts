// The fields of an event that a filter may name: namespace, topic, and event.FIELD of containerd's own messages.
import type { FieldLookup } from '../domain/filter.js';
import type { EventRecord } from '../domain/records.js';
import { decodeEvent } from '../supervisor/decode-event.js';

export function eventFields({ namespace, topic, event }: EventRecord): FieldLookup {
  let decoded: unknown;
  return ([field, ...rest]) => {
    switch (field) {
      case 'namespace':
        return namespace;
      case 'topic':
        return topic;
      case 'event':
        decoded ??= decodeEvent(event);
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
