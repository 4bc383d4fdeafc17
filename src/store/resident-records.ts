// One keyspace's records in memory, as they are on the disk: read whole at the first look, then kept by what is committed.
// A record that does not change stays the same object, so that others may remember things by it.
import { decodeRecord } from './codec.js';

/** Above this many characters of text a keyspace is read from the disk each time. */
const maxResidentCharacters = 64 * 1024 * 1024;

/** As committed; decoded when somebody asks for it. */
interface Entry<Record> {
  readonly text: string;
  record?: Record;
}

export class ResidentRecords<Record extends object> {
  readonly #read: () => AsyncIterable<[string, string]>;
  readonly #limit: number;
  readonly #entries = new Map<string, Entry<Record>>();
  /** Keys whose removal was committed while the others are being read. */
  readonly #removed = new Set<string>();
  /** The keys in order; made anew after one has come or gone. */
  #order: readonly string[] | undefined;
  #characters = 0;
  #state: 'cold' | 'loading' | 'warm' | 'too large' = 'cold';
  #loading: Promise<void> | undefined;

  /** `read` gives every key and text of one moment. */
  constructor(read: () => AsyncIterable<[string, string]>, limit = maxResidentCharacters) {
    this.#read = read;
    this.#limit = limit;
  }

  /** False when they are too large to keep: then the disk has to be asked. */
  async ready(): Promise<boolean> {
    if (this.#state === 'warm') return true;
    if (this.#state === 'too large') return false;
    this.#loading ??= this.#load();
    await this.#loading;
    return this.#isWarm();
  }

  /** When `ready`. */
  find(key: string): Record | undefined {
    const entry = this.#entries.get(key);
    return entry && recordOf(entry);
  }

  /** Those whose key begins with `prefix`, in key order, of this moment; when `ready`. */
  list(prefix: string): Record[] {
    this.#order ??= [...this.#entries.keys()].sort();
    const found: Record[] = [];
    for (const key of this.#order) {
      const entry = key.startsWith(prefix) ? this.#entries.get(key) : undefined;
      if (entry !== undefined) found.push(recordOf(entry));
    }
    return found;
  }

  /** A change that is on the disk; `text` is undefined for a removal. */
  apply(key: string, text: string | undefined): void {
    if (this.#state === 'cold' || this.#state === 'too large') return;
    if (this.#state === 'loading') {
      if (text === undefined) this.#removed.add(key);
      else this.#removed.delete(key);
    }
    this.#set(key, text);
  }

  async #load(): Promise<void> {
    this.#state = 'loading';
    try {
      for await (const [key, text] of this.#read()) {
        // What was committed meanwhile is newer than what is read here.
        if (!this.#entries.has(key) && !this.#removed.has(key)) this.#set(key, text);
        if (this.#isTooLarge()) return;
      }
      this.#state = 'warm';
    } catch (error) {
      this.#forget('cold');
      throw error;
    } finally {
      this.#loading = undefined;
      this.#removed.clear();
    }
  }

  #set(key: string, text: string | undefined): void {
    const before = this.#entries.get(key);
    this.#characters += (text?.length ?? 0) - (before?.text.length ?? 0);
    if (text === undefined) this.#entries.delete(key);
    else this.#entries.set(key, { text });
    if ((before === undefined) !== (text === undefined)) this.#order = undefined;
    if (this.#characters > this.#limit) this.#forget('too large');
  }

  #forget(state: 'cold' | 'too large'): void {
    this.#state = state;
    this.#entries.clear();
    this.#order = undefined;
    this.#characters = 0;
  }

  #isWarm(): boolean {
    return this.#state === 'warm';
  }

  #isTooLarge(): boolean {
    return this.#state === 'too large';
  }
}

function recordOf<Record extends object>(entry: Entry<Record>): Record {
  entry.record ??= decodeRecord(entry.text) as Record;
  return entry.record;
}
