// Labels as containerd takes them.
import { BerthError } from './errors.js';
import type { Labels } from './records.js';

/** Bytes of a key and its value together; containerd's limit. */
const maxLabelBytes = 4096;

/** The labels to keep: an empty value removes a label. Throws `invalid-argument` for one that is too long. */
export function keptLabels(labels: Labels): Labels {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(labels)) {
    if (Buffer.byteLength(key) + Buffer.byteLength(value) > maxLabelBytes) {
      const message = `label ${JSON.stringify(key.slice(0, 32))}: key and value have more than ${maxLabelBytes} bytes`;
      throw new BerthError('invalid-argument', message);
    }
    if (value !== '') kept[key] = value;
  }
  return kept;
}

/** `current` with the one label that a field mask's `labels.KEY` names taken from `update`. */
export function withLabelFrom(current: Labels, key: string, update: Labels): Labels {
  return { ...current, [key]: update[key] ?? '' };
}
