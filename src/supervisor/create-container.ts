// Keeps a container's record: what is to run, not yet running.
import { BerthError } from '../domain/errors.js';
import { checkId, keyString } from '../domain/ids.js';
import { keptLabels } from '../domain/labels.js';
import type { ContainerRecord } from '../domain/records.js';
import { nowNanos } from '../domain/time.js';
import { knownNamespace } from '../store/known-namespace.js';
import { containerCreated } from './event-drafts.js';
import type { Supervisor } from './supervisor.js';

export type ContainerDraft = Omit<ContainerRecord, 'createdAt' | 'updatedAt'>;

export function createContainer(supervisor: Supervisor, draft: ContainerDraft): Promise<ContainerRecord> {
  checkContainer(draft);
  const { store, queue } = supervisor;
  const now = nowNanos();
  const record = { ...draft, labels: keptLabels(draft.labels), createdAt: now, updatedAt: now };
  return queue.run(draft.namespace, () =>
    queue.run(keyString(draft), async () => {
      if ((await store.containers.get(draft)) !== undefined) {
        throw new BerthError('already-exists', `container ${draft.id}: already exists`, {
          subject: { namespace: draft.namespace, containerId: draft.id },
        });
      }
      await store.references.shared(async () => {
        const changes = [...(await knownNamespace(store, draft.namespace)), store.containers.put(draft, record)];
        await store.commit(changes, [containerCreated(record)]);
      });
      return record;
    }),
  );
}

/** containerd's rules; `invalid-argument` naming the field. */
export function checkContainer(draft: ContainerDraft): void {
  checkId('container id', draft.id);
  checkRequired(draft.runtime.name !== '', draft, 'runtime.name must be set');
  checkRequired(draft.spec !== undefined, draft, 'spec must be set');
  checkRequired(
    draft.snapshotKey === '' || draft.snapshotter !== '',
    draft,
    'snapshotter must be set with a snapshot key',
  );
  for (const [name, extension] of Object.entries(draft.extensions)) {
    checkRequired(name !== '', draft, 'an extension must have a name');
    checkRequired(extension.typeUrl !== '', draft, `extension ${name} must have a type URL`);
  }
}

function checkRequired(holds: boolean, { id }: ContainerDraft, message: string): void {
  if (!holds) throw new BerthError('invalid-argument', `container ${id}: ${message}`);
}
