// Namespaces: their records, and their coming to be with the first thing that is put into one.
import { BerthError } from '../domain/errors.js';
import { checkId } from '../domain/ids.js';
import { keptLabels, withLabelFrom } from '../domain/labels.js';
import type { Labels, NamespaceRecord } from '../domain/records.js';
import { namespacePrefix } from '../store/keyspace.js';
import { namespaceCreated, namespaceDeleted, namespaceUpdated } from './event-drafts.js';
import type { Supervisor } from './supervisor.js';

/**
 * The namespace, without labels where nobody created it: clients ask for default labels of the namespace they are about
 * to use, and containerd has an answer for every one.
 */
export async function describeNamespace({ store }: Supervisor, name: string): Promise<NamespaceRecord> {
  checkId('namespace', name);
  return (await store.namespaces.get(name)) ?? { name, labels: {} };
}

async function getNamespace({ store }: Supervisor, name: string): Promise<NamespaceRecord> {
  checkId('namespace', name);
  const found = await store.namespaces.get(name);
  if (found === undefined)
    throw new BerthError('not-found', `namespace ${name}: not found`, { subject: { namespace: name } });
  return found;
}

export function createNamespace(supervisor: Supervisor, name: string, labels: Labels): Promise<NamespaceRecord> {
  checkId('namespace', name);
  const record = { name, labels: keptLabels(labels) };
  const { store, queue } = supervisor;
  return queue.run(name, async () => {
    if ((await store.namespaces.get(name)) !== undefined) {
      throw new BerthError('already-exists', `namespace ${name}: already exists`, { subject: { namespace: name } });
    }
    await store.commit([store.namespaces.put(name, record)], [namespaceCreated(name, record.labels)]);
    return record;
  });
}

/** `paths` are a field mask's: `labels`, `labels.KEY`; none replaces all labels. */
export function updateNamespace(
  supervisor: Supervisor,
  update: NamespaceRecord,
  paths: readonly string[],
): Promise<NamespaceRecord> {
  const { store, queue } = supervisor;
  return queue.run(update.name, async () => {
    const current = await getNamespace(supervisor, update.name);
    let { labels } = current;
    for (const path of paths.length === 0 ? ['labels'] : paths) {
      if (path === 'labels') labels = update.labels;
      else if (path.startsWith('labels.')) labels = withLabelFrom(labels, path.slice('labels.'.length), update.labels);
      else throw new BerthError('invalid-argument', `field ${path} of a namespace cannot be updated`);
    }
    const next = { name: update.name, labels: keptLabels(labels) };
    await store.commit([store.namespaces.put(next.name, next)], [namespaceUpdated(next.name, next.labels)]);
    return next;
  });
}

export function deleteNamespace(supervisor: Supervisor, name: string): Promise<void> {
  const { store, queue, images } = supervisor;
  const remove = async () => {
    await getNamespace(supervisor, name);
    const held = await contentsOf(supervisor, name);
    if (held.length > 0) {
      const message = `namespace ${name} must be empty, but it still has ${held.join(', ')}`;
      throw new BerthError('failed-precondition', message, { subject: { namespace: name } });
    }
    const changes = [store.namespaces.remove(name)];
    for await (const ingest of store.ingests.list(namespacePrefix(name))) changes.push(store.ingests.remove(ingest));
    await store.commit(changes, [namespaceDeleted(name)]);
    images.garbage.schedule();
  };
  // Alone, so that nobody puts something into the namespace meanwhile.
  return queue.run(name, () => store.references.alone(remove));
}

async function contentsOf({ store }: Supervisor, name: string): Promise<string[]> {
  const held: string[] = [];
  for (const what of ['containers', 'tasks', 'checkpoints', 'leases', 'images', 'blobs', 'snapshots'] as const) {
    const first = await store[what].list(namespacePrefix(name)).next();
    if (first.done !== true) held.push(what);
  }
  return held;
}
