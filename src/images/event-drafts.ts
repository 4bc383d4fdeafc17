// The events of content and images as drafts for the journal.
import { eventDraft, type MessageEncoder } from '../domain/event-draft.js';
import type { BlobRecord, ImageRecord } from '../domain/image-records.js';
import type { EventDraft } from '../domain/records.js';
import { ContentCreate, ContentDelete } from '../generated/containerd/events/content.js';
import { ImageCreate, ImageDelete, ImageUpdate } from '../generated/containerd/services/images/v1/events.js';

export function contentCreated({ namespace, digest, size }: BlobRecord): EventDraft {
  const envelope = { namespace, topic: '/content/create', typeUrl: 'containerd.events.ContentCreate' };
  return eventDraft(envelope, ContentCreate, { digest, size: BigInt(size) });
}

export function contentDeleted({ namespace, digest }: Pick<BlobRecord, 'namespace' | 'digest'>): EventDraft {
  const envelope = { namespace, topic: '/content/delete', typeUrl: 'containerd.events.ContentDelete' };
  return eventDraft(envelope, ContentDelete, { digest });
}

export function imageCreated({ namespace, name, labels }: ImageRecord): EventDraft {
  return imageEvent(namespace, 'create', 'ImageCreate', ImageCreate, { name, labels: { ...labels } });
}

export function imageUpdated({ namespace, name, labels }: ImageRecord): EventDraft {
  return imageEvent(namespace, 'update', 'ImageUpdate', ImageUpdate, { name, labels: { ...labels } });
}

export function imageDeleted({ namespace, name }: Pick<ImageRecord, 'namespace' | 'name'>): EventDraft {
  return imageEvent(namespace, 'delete', 'ImageDelete', ImageDelete, { name });
}

function imageEvent<M>(
  namespace: string,
  verb: string,
  type: string,
  encoder: MessageEncoder<M>,
  message: M,
): EventDraft {
  const typeUrl = `containerd.services.images.v1.${type}`;
  return eventDraft({ namespace, topic: `/images/${verb}`, typeUrl }, encoder, message);
}
