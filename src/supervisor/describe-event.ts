// An event as a line for people, and the container it is about.
import type { EventRecord } from '../domain/records.js';
import { decodeEvent } from './decode-event.js';

export interface EventDescription {
  /** Empty for an event about no container. */
  readonly containerId: string;
  readonly text: string;
}

export function describeEvent({ topic, event }: EventRecord): EventDescription {
  const { containerId, ...fields } = decodeEvent(event);
  const words = Object.entries(fields).flatMap(([name, value]) => wordOf(name, value));
  // The events of container records name their container `id`.
  const subject = containerId ?? (topic.startsWith('/containers/') ? fields['id'] : '');
  return { containerId: String(subject), text: [topic, ...words].join(' ') };
}

function wordOf(name: string, value: unknown): string[] {
  if (typeof value === 'string' && value !== '') return [`${name}=${value}`];
  if (typeof value === 'number' || typeof value === 'boolean') return [`${name}=${value}`];
  return [];
}
