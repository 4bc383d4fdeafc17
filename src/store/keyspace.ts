// Records of one kind under one LevelDB sublevel. Writing makes a change for a batch; only the committer applies it.
import { decodeRecord, encodeRecord } from './codec.js';
import type { Change, Database, Sublevel } from './database.js';
import { ResidentRecords } from './resident-records.js';

export interface KeyspaceOptions<Key> {
  readonly keyText: (key: Key) => string;
  /** Kept in memory as well: for records that are read far more often than they change. */
  readonly resident?: boolean;
}

export class Keyspace<Record extends object, Key> {
  readonly #level: Sublevel;
  readonly #keyText: (key: Key) => string;
  readonly #resident: ResidentRecords<Record> | undefined;

  constructor(database: Database, name: string, options: KeyspaceOptions<Key>) {
    const level = database.keyspace(name);
    this.#level = level;
    this.#keyText = options.keyText;
    if (options.resident !== true) return;
    const resident = new ResidentRecords<Record>(() => level.iterator());
    database.watch(level, (key, text) => resident.apply(key, text));
    this.#resident = resident;
  }

  async get(key: Key): Promise<Record | undefined> {
    const resident = await this.#readyResident();
    if (resident !== undefined) return resident.find(this.#keyText(key));
    const text = await this.#level.get(this.#keyText(key));
    return text === undefined ? undefined : (decodeRecord(text) as Record);
  }

  /** Records whose key text begins with `prefix`, in key order. */
  async *list(prefix = ''): AsyncGenerator<Record, void, undefined> {
    const resident = await this.#readyResident();
    if (resident !== undefined) {
      yield* resident.list(prefix);
      return;
    }
    const range = prefix === '' ? {} : { gte: prefix, lt: `${prefix}\u{10ffff}` };
    for await (const text of this.#level.values(range)) yield decodeRecord(text) as Record;
  }

  async #readyResident(): Promise<ResidentRecords<Record> | undefined> {
    return (await this.#resident?.ready()) === true ? this.#resident : undefined;
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
