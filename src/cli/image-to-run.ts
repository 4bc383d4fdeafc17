// Sees to it that the image of a run is here: pulled where it is missing, anew, or not at all.
import { BerthError, isBerthError } from '../domain/errors.js';
import { ImagesService } from '../generated/berth/v1/images.js';
import type { Connection } from './connection.js';
import { recordedImageName } from './image-name.js';
import type { PullPolicy } from './pull-policy.js';
import { accessFrom } from './registry/registry-options.js';
import { pullImage } from './registry/pull-image.js';
import type { Session } from './session.js';

export interface ImageWish {
  readonly image: string;
  /** Empty for the host's. */
  readonly platform: string;
  /** Empty for the default. */
  readonly snapshotter: string;
  readonly pull: PullPolicy;
  /** Without a word of how the pull goes on. */
  readonly quiet: boolean;
}

/** Its name on record. An image that has nothing for the platform is a missing one. */
export async function imageToRun(session: Session, wish: ImageWish): Promise<string> {
  const { image, platform, snapshotter, pull, quiet } = wish;
  const connection = await session.connect();
  if (pull !== 'always') {
    try {
      return await imageHere(connection, wish);
    } catch (error) {
      if (!isBerthError(error, 'not-found')) throw error;
      if (pull === 'never') {
        throw new BerthError('not-found', `${error.message}: pull it first, with 'berth pull'`, { cause: error });
      }
    }
  }
  const request = {
    reference: image,
    access: await accessFrom(session, image, {}),
    platforms: platform === '' ? [] : [platform],
    allPlatforms: false,
    snapshotter,
    noUnpack: false,
  };
  return (await pullImage(connection, request, quiet)).name;
}

async function imageHere(connection: Connection, { image, platform }: ImageWish): Promise<string> {
  const name = await recordedImageName(connection, image);
  await connection.unary(ImagesService.inspect, { image: name, platform });
  return name;
}
