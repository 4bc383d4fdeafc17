// Records of one kind under one LevelDB sublevel. Writing makes a change for a batch; only the committer applies it.
import { decodeRecord, encodeRecord } from './codec.js';
import type { Change, Database, Sublevel } from './database.js';

export class Keyspace<Record extends object, Key> {
  readonly #level: Sublevel;
  readonly #keyText: (key: Key) => string;

  constructor(database: Database, name: string, options: { readonly keyText: (key: Key) => string }) {
    this.#level = database.keyspace(name);
    this.#keyText = options.keyText;
  }

  async get(key: Key): Promise<Record | undefined> {
    const text = await this.#level.get(this.#keyText(key));
    return text === undefined ? undefined : (decodeRecord(text) as Record);
  }

  /** Records whose key text begins with `prefix`, in key order. */
  async *list(prefix = ''): AsyncGenerator<Record, void, undefined> {
    const range = prefix === '' ? {} : { gte: prefix, lt: `${prefix}\u{10ffff}` };
    for await (const text of this.#level.values(range)) yield decodeRecord(text) as Record;
  }

  put(key: Key, record: Record): Change {
    return { type: 'put', sublevel: this.#level, key: this.#keyText(key), value: encodeRecord(record) };
  }

  remove(key: Key): Change {
    return { type: 'del', sublevel: this.#level, key: this.#keyText(key) };
  }
}

/** The prefix that all keys of a namespace share in the keyspaces keyed by `keyString`. */
export function namespacePrefix(namespace: string | undefined): string {
  return namespace === undefined ? '' : `${namespace}/`;
}
