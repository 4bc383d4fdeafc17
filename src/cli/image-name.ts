// Images as users name them: any name on record as it is, else a reference with Docker's defaults.
import { fullImageName } from '../domain/image-reference.js';
import { ImagesService } from '../generated/containerd/services/images/v1/images.js';
import type { Connection } from './connection.js';
import { orUndefined } from './records.js';

/** The name on record that `text` means; the full reference where there is none. */
export async function recordedImageName(connection: Connection, text: string): Promise<string> {
  const found = await orUndefined(() => connection.unary(ImagesService.get, { name: text }));
  return found?.image?.name ?? fullImageName(text);
}
