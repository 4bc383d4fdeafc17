// The events of snapshots as drafts for the journal. As in containerd, views make none.
import { eventDraft, type MessageEncoder } from '../../domain/event-draft.js';
import type { EventDraft } from '../../domain/records.js';
import type { SnapshotKey } from '../../domain/snapshot.js';
import { SnapshotCommit, SnapshotPrepare, SnapshotRemove } from '../../generated/containerd/events/snapshot.js';

export function snapshotPrepared({ namespace, snapshotter, key }: SnapshotKey, parent: string): EventDraft {
  return draft(namespace, 'prepare', 'SnapshotPrepare', SnapshotPrepare, { key, parent, snapshotter });
}

/** `key` became `name`. */
export function snapshotCommitted({ namespace, snapshotter, key }: SnapshotKey, name: string): EventDraft {
  return draft(namespace, 'commit', 'SnapshotCommit', SnapshotCommit, { key, name, snapshotter });
}

export function snapshotRemoved({ namespace, snapshotter, key }: SnapshotKey): EventDraft {
  return draft(namespace, 'remove', 'SnapshotRemove', SnapshotRemove, { key, snapshotter });
}

function draft<M>(namespace: string, verb: string, type: string, encoder: MessageEncoder<M>, message: M): EventDraft {
  const envelope = { namespace, topic: `/snapshot/${verb}`, typeUrl: `containerd.events.${type}` };
  return eventDraft(envelope, encoder, message);
}
