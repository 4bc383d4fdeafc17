// All snapshots' records, in memory as on the disk, and what is under way: names that are being taken, snapshots that are
// being removed, and how many children each has, those in the making included.
import { BerthError } from '../../domain/errors.js';
import { type SnapshotKey, snapshotKeyText, type SnapshotRecord } from '../../domain/snapshot.js';
import type { Store } from '../../store/store.js';

export class SnapshotIndex {
  readonly #records = new Map<string, SnapshotRecord>();
  readonly #claimed = new Set<string>();
  readonly #leaving = new Set<string>();
  readonly #children = new Map<string, number>();

  static async load(store: Store): Promise<SnapshotIndex> {
    const index = new SnapshotIndex();
    for await (const record of store.snapshots.list()) {
      index.put(record);
      index.addChild(parentKey(record));
    }
    return index;
  }

  find(key: SnapshotKey): SnapshotRecord | undefined {
    const text = snapshotKeyText(key);
    return this.#leaving.has(text) ? undefined : this.#records.get(text);
  }

  /** In the order of their keys. */
  list(isWanted: (record: SnapshotRecord) => boolean): SnapshotRecord[] {
    const found = [...this.#records.values()].filter(
      (record) => isWanted(record) && !this.#leaving.has(snapshotKeyText(record)),
    );
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Every snapshot's directory. */
  directories(): Set<number> {
    return new Set([...this.#records.values()].map((record) => record.directory));
  }

  /** Takes a name that nobody has, until it is released; `already-exists` otherwise. */
  claim(key: SnapshotKey): void {
    const text = snapshotKeyText(key);
    if (this.#claimed.has(text) || this.#records.has(text)) {
      throw new BerthError('already-exists', `snapshot ${JSON.stringify(key.key)}: already exists`);
    }
    this.#claimed.add(text);
  }

  release(key: SnapshotKey): void {
    this.#claimed.delete(snapshotKeyText(key));
  }

  /** Hides a snapshot that is about to go, until `stay` or `remove`; it must have no children then. */
  leave(key: SnapshotKey): void {
    this.#leaving.add(snapshotKeyText(key));
  }

  stay(key: SnapshotKey): void {
    this.#leaving.delete(snapshotKeyText(key));
  }

  /** The record is on the disk. */
  put(record: SnapshotRecord): void {
    this.#records.set(snapshotKeyText(record), record);
  }

  /** The record is gone from the disk. */
  remove(key: SnapshotKey): void {
    const text = snapshotKeyText(key);
    this.#records.delete(text);
    this.#leaving.delete(text);
  }

  hasChildren(key: SnapshotKey): boolean {
    return this.#children.has(snapshotKeyText(key));
  }

  /** None has an empty key: what has no parent asks in vain. */
  addChild(parent: SnapshotKey): void {
    if (parent.key === '') return;
    const text = snapshotKeyText(parent);
    this.#children.set(text, (this.#children.get(text) ?? 0) + 1);
  }

  removeChild(parent: SnapshotKey): void {
    const text = snapshotKeyText(parent);
    const left = (this.#children.get(text) ?? 0) - 1;
    if (left > 0) this.#children.set(text, left);
    else this.#children.delete(text);
  }

  /** The parent of `record`, its parent, and so on. */
  ancestors(record: Pick<SnapshotRecord, 'namespace' | 'snapshotter' | 'parent'>): SnapshotRecord[] {
    const chain: SnapshotRecord[] = [];
    let at: SnapshotRecord | undefined = this.#records.get(snapshotKeyText(parentKey(record)));
    for (; at !== undefined; at = this.#records.get(snapshotKeyText(parentKey(at)))) {
      if (chain.length > this.#records.size)
        throw new BerthError('data-loss', `snapshot ${at.key} is its own ancestor`);
      chain.push(at);
    }
    return chain;
  }
}

export function parentKey({ namespace, snapshotter, parent }: Omit<SnapshotKey, 'key'> & { readonly parent: string }) {
  return { namespace, snapshotter, key: parent };
}
