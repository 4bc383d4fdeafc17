// A namespace comes to be with the first thing that is put into it.
import type { Change } from './database.js';
import type { Store } from './store.js';

/** The changes that make the namespace known if it is not: containerd lets clients use one without creating it. */
export async function knownNamespace(store: Store, name: string): Promise<Change[]> {
  if ((await store.namespaces.get(name)) !== undefined) return [];
  return [store.namespaces.put(name, { name, labels: {} })];
}
