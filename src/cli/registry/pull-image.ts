// Has the daemon pull an image, and shows how it goes on.
import { BerthError } from '../../domain/errors.js';
import { ImagesService, type PullImageRequest, type StoredImage } from '../../generated/berth/v1/images.js';
import type { Connection } from '../connection.js';
import { transferView } from './transfer-view.js';

export async function pullImage(
  connection: Connection,
  request: PullImageRequest,
  quiet: boolean,
): Promise<StoredImage> {
  const view = transferView(process.stderr, 'pull', quiet);
  let image: StoredImage | undefined;
  try {
    for await (const { progress } of connection.stream(ImagesService.pull, request)) {
      if (progress?.$case === 'blob') view.show(progress.value);
      if (progress?.$case === 'image') image = progress.value;
    }
  } finally {
    view.end();
  }
  if (image === undefined) throw new BerthError('internal', 'berthd told nothing of the image that it pulled');
  return image;
}
