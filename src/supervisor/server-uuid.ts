// The identity of this root, made once and kept: clients tell servers apart by it.
import { randomUUID } from 'node:crypto';
import type { Supervisor } from './supervisor.js';

const key = 'server-uuid';

export async function serverUuid({ store }: Supervisor): Promise<string> {
  const known = await store.meta.get(key);
  if (known !== undefined) return known.value;
  const value = randomUUID();
  await store.commit([store.meta.put(key, { value })]);
  return value;
}
