// Tag: more names for an image.
import type { Labels } from '../../domain/records.js';
import { getImage } from '../../images/image-records/images.js';
import { pointImage } from '../../images/image-records/point-image.js';
import type { Scope } from '../../images/scope.js';
import type { Supervisor } from '../supervisor.js';

export interface TagRequest {
  /** Name on record. */
  readonly image: string;
  readonly names: readonly string[];
  /** Of the new records. */
  readonly labels: Labels;
}

export async function tagImage(
  { images }: Supervisor,
  scope: Scope,
  { image, names, labels }: TagRequest,
): Promise<void> {
  const { target } = await getImage(images, scope.namespace, image);
  for (const name of names) await pointImage(images, scope, name, target, labels);
}
