// The fields of an image's record that a field mask may name.
import { BerthError } from '../../domain/errors.js';
import type { ImageRecord } from '../../domain/image-records.js';
import { withLabelFrom } from '../../domain/labels.js';

type Fields = Pick<ImageRecord, 'labels' | 'target'>;

/** `record` with the field at `path` taken from `update`. A target is replaced whole, but for single annotations. */
export function withField(record: ImageRecord, update: Fields, path: string): ImageRecord {
  const label = afterPrefix(path, 'labels.');
  if (label !== undefined) return { ...record, labels: withLabelFrom(record.labels, label, update.labels) };
  const annotation = afterPrefix(path, 'annotations.');
  if (annotation !== undefined) {
    const annotations = withLabelFrom(record.target.annotations, annotation, update.target.annotations);
    return { ...record, target: { ...record.target, annotations } };
  }
  switch (path) {
    case 'labels':
      return { ...record, labels: update.labels };
    case 'target':
      return { ...record, target: update.target };
    case 'annotations':
      return { ...record, target: { ...record.target, annotations: update.target.annotations } };
    default:
      throw new BerthError('invalid-argument', `field ${path} of image ${record.name} cannot be updated`);
  }
}

function afterPrefix(text: string, prefix: string): string | undefined {
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
}
