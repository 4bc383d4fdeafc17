// containerd.services.images.v1: names for blobs.
import { BerthError } from '../domain/errors.js';
import type { ImageRecord } from '../domain/image-records.js';
import { type Image, ImagesService } from '../generated/containerd/services/images/v1/images.js';
import type { Timestamp } from '../generated/google/protobuf/timestamp.js';
import {
  createImage,
  deleteImage,
  getImage,
  type ImageDraft,
  listImages,
  updateImage,
} from '../images/image-records/images.js';
import type { ImageStorage } from '../images/image-storage.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';
import type { Handlers } from './service.js';
import { numberFromWire, timeFromWire } from './wire-numbers.js';

export function imagesHandlers(storage: ImageStorage): Handlers<typeof ImagesService> {
  return {
    get: async ({ name }, call) => ({ image: toWire(await getImage(storage, call.namespace(), name)) }),
    list: async ({ filters }, call) => {
      const images: Image[] = [];
      for await (const record of listImages(storage, call.namespace(), filters)) images.push(toWire(record));
      return { images };
    },
    create: async ({ image, sourceDateEpoch }, call) => ({
      image: toWire(await createImage(storage, call.scope(), fromWire(image), timeOf(sourceDateEpoch))),
    }),
    update: async ({ image, updateMask, sourceDateEpoch }, call) => {
      const options = { paths: updateMask ?? [], now: timeOf(sourceDateEpoch) };
      return { image: toWire(await updateImage(storage, call.scope(), fromWire(image), options)) };
    },
    delete: async ({ name, sync, target }, call) => {
      await deleteImage(storage, call.scope(), { name, target: target?.digest });
      if (sync) await storage.garbage.collect();
      return {};
    },
  };
}

/** The time that the client wants recorded; undefined where it wants that of the call. */
function timeOf(epoch: Timestamp | undefined): bigint | undefined {
  return epoch === undefined ? undefined : timeFromWire('source_date_epoch', epoch);
}

function toWire({ name, labels, target, createdAt, updatedAt }: ImageRecord): Image {
  return {
    name,
    labels: { ...labels },
    target: { ...target, size: BigInt(target.size), annotations: { ...target.annotations } },
    createdAt: timestampFromNanos(createdAt),
    updatedAt: timestampFromNanos(updatedAt),
  };
}

function fromWire(image: Image | undefined): ImageDraft {
  if (image === undefined) throw new BerthError('invalid-argument', 'the request has no image');
  const { name, labels, target } = image;
  const { mediaType = '', digest = '', size = 0n, annotations = {} } = target ?? {};
  return { name, labels, target: { mediaType, digest, size: numberFromWire('target.size', size), annotations } };
}
