// Lets a name mean a blob from now on, whether the name is there already or not.
import { isBerthError } from '../../domain/errors.js';
import type { Descriptor, ImageRecord } from '../../domain/image-records.js';
import type { Labels } from '../../domain/records.js';
import type { ImageStorage } from '../image-storage.js';
import type { Scope } from '../scope.js';
import { createImage, updateImage } from './images.js';

/** What the name meant before is garbage once nothing else refers to it. It keeps its labels where none are given. */
export async function pointImage(
  storage: ImageStorage,
  scope: Scope,
  name: string,
  target: Descriptor,
  labels: Labels = {},
): Promise<ImageRecord> {
  const hasLabels = Object.keys(labels).length > 0;
  const draft = { name, target, labels };
  try {
    return await createImage(storage, scope, draft);
  } catch (error) {
    if (!isBerthError(error, 'already-exists')) throw error;
  }
  const record = await updateImage(storage, scope, draft, { paths: hasLabels ? ['target', 'labels'] : ['target'] });
  storage.garbage.schedule();
  return record;
}
