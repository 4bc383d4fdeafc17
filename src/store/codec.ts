// Records as JSON text that keeps what JSON lacks: bigint as {"$n": "decimal"}, bytes as {"$b": "base64"}. A record's own
// key that begins with '$' is written with one '$' more, so that no label can be mistaken for either.

export function encodeRecord(record: object): string {
  return JSON.stringify(pack(record));
}

export function decodeRecord(text: string): unknown {
  return unpack(JSON.parse(text));
}

function pack(value: unknown): unknown {
  if (typeof value === 'bigint') return { $n: value.toString() };
  if (value instanceof Uint8Array) return { $b: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(pack);
  if (typeof value !== 'object' || value === null) return value;
  return mapEntries(value, (key) => (key.startsWith('$') ? `$${key}` : key), pack);
}

function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack);
  if (typeof value !== 'object' || value === null) return value;
  if ('$n' in value) return BigInt(String(value.$n));
  if ('$b' in value) return new Uint8Array(Buffer.from(String(value.$b), 'base64'));
  return mapEntries(value, (key) => (key.startsWith('$$') ? key.slice(1) : key), unpack);
}

function mapEntries(value: object, key: (key: string) => string, item: (item: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(value).map(([name, content]) => [key(name), item(content)]));
}
