// containerd.services.content.v1: blobs by digest, and the writes that become blobs.
import { BerthError } from '../domain/errors.js';
import type { BlobRecord } from '../domain/image-records.js';
import { ContentService, type Info, type Status } from '../generated/containerd/services/content/v1/content.js';
import { deleteBlob, getBlob, listBlobs, updateBlob } from '../images/content/blobs.js';
import { abortIngest, getIngest, type IngestStatus, listIngests } from '../images/content/ingests.js';
import { readBlob } from '../images/content/read-blob.js';
import type { ImageStorage } from '../images/image-storage.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';
import { encodePiece, pieceHeadroom } from './content-piece.js';
import { decodeWriteRequest } from './content-request.js';
import { writeContent } from './content-write.js';
import type { Handlers } from './service.js';

/** Blobs told of in one message, as in containerd. */
const listBatch = 100;

/** The service as generated, but that data is not copied as it comes in. */
export const contentService = {
  ...ContentService,
  write: { ...ContentService.write, requestDeserialize: decodeWriteRequest },
};

export function contentHandlers(storage: ImageStorage): Handlers<typeof ContentService> {
  return {
    info: async ({ digest }, call) => ({ info: infoToWire(await getBlob(storage, call.namespace(), digest)) }),
    update: async ({ info, updateMask }, call) => {
      if (info === undefined) throw new BerthError('invalid-argument', 'the request has no info');
      const { digest, labels } = info;
      const update = { namespace: call.namespace(), digest, labels };
      return { info: infoToWire(await updateBlob(storage, update, updateMask ?? [])) };
    },
    async *list({ filters }, call) {
      let info: Info[] = [];
      for await (const record of listBlobs(storage, call.namespace(), filters)) {
        info.push(infoToWire(record));
        if (info.length < listBatch) continue;
        yield { info };
        info = [];
      }
      if (info.length > 0) yield { info };
    },
    delete: async ({ digest }, call) => {
      await deleteBlob(storage, call.scope(), digest);
      return {};
    },
    async *read({ digest, offset, size }, call) {
      const range = { offset: Number(offset), size: Number(size), headroom: pieceHeadroom };
      for await (const piece of readBlob(storage, call.namespace(), digest, range)) yield encodePiece(piece);
    },
    status: async ({ ref }, call) => ({
      status: statusToWire(await getIngest(storage, { namespace: call.namespace(), ref })),
    }),
    listStatuses: async ({ filters }, call) => {
      const found = await listIngests(storage, call.namespace(), filters);
      return { statuses: found.map(statusToWire) };
    },
    write: (requests, call) => writeContent(storage, call.scope(), requests),
    abort: async ({ ref }, call) => {
      await abortIngest(storage, call.scope(), ref);
      return {};
    },
  };
}

function infoToWire({ digest, size, labels, createdAt, updatedAt }: BlobRecord): Info {
  return {
    digest,
    size: BigInt(size),
    labels: { ...labels },
    createdAt: timestampFromNanos(createdAt),
    updatedAt: timestampFromNanos(updatedAt),
  };
}

function statusToWire({ ref, offset, total, expected, startedAt, updatedAt }: IngestStatus): Status {
  return {
    ref,
    offset: BigInt(offset),
    total: BigInt(total),
    expected,
    startedAt: timestampFromNanos(startedAt),
    updatedAt: timestampFromNanos(updatedAt),
  };
}
