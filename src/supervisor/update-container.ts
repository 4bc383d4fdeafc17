// Changes the fields of a container's record that a field mask names.
import { BerthError } from '../domain/errors.js';
import { keyString } from '../domain/ids.js';
import { keptLabels, withLabelFrom } from '../domain/labels.js';
import type { ContainerRecord } from '../domain/records.js';
import { nowNanos } from '../domain/time.js';
import { checkContainer, type ContainerDraft } from './create-container.js';
import { containerUpdated } from './event-drafts.js';
import { getContainer } from './get-container.js';
import type { Supervisor } from './supervisor.js';

/** What an empty mask updates, as in containerd. */
const mutablePaths = ['labels', 'spec', 'extensions', 'image', 'snapshotkey'];

export function updateContainer(
  supervisor: Supervisor,
  update: ContainerDraft,
  paths: readonly string[],
): Promise<ContainerRecord> {
  return supervisor.queue.run(keyString(update), async () => {
    const current = await getContainer(supervisor, update);
    if (paths.length === 0) checkImmutable(current, update);
    let next = current;
    for (const path of paths.length === 0 ? mutablePaths : paths) next = withField(next, update, path);
    next = { ...next, labels: keptLabels(next.labels), updatedAt: nowNanos() };
    checkContainer(next);
    const { store } = supervisor;
    await store.references.shared(() => store.commit([store.containers.put(next, next)], [containerUpdated(next)]));
    return next;
  });
}

function withField(record: ContainerRecord, update: ContainerDraft, path: string): ContainerRecord {
  const label = afterPrefix(path, 'labels.');
  if (label !== undefined) return { ...record, labels: withLabelFrom(record.labels, label, update.labels) };
  const extension = afterPrefix(path, 'extensions.');
  if (extension !== undefined) return { ...record, extensions: withExtensionFrom(record, extension, update) };
  switch (path) {
    case 'labels':
      return { ...record, labels: update.labels };
    case 'extensions':
      return { ...record, extensions: update.extensions };
    case 'image':
      return { ...record, image: update.image };
    case 'snapshotkey':
    case 'snapshot_key':
      return { ...record, snapshotKey: update.snapshotKey };
    case 'spec': {
      const { spec: _replaced, ...rest } = record;
      return update.spec === undefined ? rest : { ...rest, spec: update.spec };
    }
    default:
      throw new BerthError('invalid-argument', `field ${path} of container ${record.id} cannot be updated`);
  }
}

function withExtensionFrom(
  record: ContainerRecord,
  name: string,
  update: ContainerDraft,
): ContainerRecord['extensions'] {
  const { [name]: _replaced, ...rest } = record.extensions;
  const extension = update.extensions[name];
  return extension === undefined ? rest : { ...rest, [name]: extension };
}

function checkImmutable(current: ContainerRecord, update: ContainerDraft): void {
  const changed =
    (current.snapshotter !== update.snapshotter && 'snapshotter') ||
    (current.runtime.name !== update.runtime.name && 'runtime.name');
  if (changed) throw new BerthError('invalid-argument', `field ${changed} of container ${current.id} is immutable`);
}

function afterPrefix(text: string, prefix: string): string | undefined {
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
}
