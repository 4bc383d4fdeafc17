// --mount type=bind,src=DIR,dst=DIR,options=rbind:ro, in ctr's syntax with podman's names accepted beside it.
import { resolve } from 'node:path';
import { UsageError } from '../cli-error.js';
import type { OciMount } from '../spec/oci.js';

const keys: Readonly<Record<string, 'type' | 'source' | 'destination' | 'options'>> = {
  type: 'type',
  src: 'source',
  source: 'source',
  dst: 'destination',
  destination: 'destination',
  target: 'destination',
  options: 'options',
};

/** Options that may stand for themselves, as in podman: `ro`, `ro=true`. */
const flags: Readonly<Record<string, string>> = { ro: 'ro', readonly: 'ro', rw: 'rw' };

/** A relative source of a bind is taken from `workingDirectory`. */
export function parseMount(text: string, workingDirectory: string): OciMount {
  const fields: Partial<Record<'type' | 'source' | 'destination', string>> = {};
  const options: string[] = [];
  for (const part of text.split(',')) {
    const [name, value] = split(part);
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (Object.hasOwn(flags, name) && (value === undefined || value === 'true')) options.push(flags[name] ?? name);
    else if (key === undefined || value === undefined || value === '') throw refuse(text, `does not know ${part}`);
    else if (key === 'options') options.push(...value.split(':').filter((option) => option !== ''));
    else if (fields[key] !== undefined) throw refuse(text, `has two values for its ${key}`);
    else fields[key] = value;
  }
  return complete(text, fields, options, workingDirectory);
}

function complete(
  text: string,
  fields: { readonly type?: string; readonly source?: string; readonly destination?: string },
  options: string[],
  workingDirectory: string,
): OciMount {
  const { type = 'bind', source, destination } = fields;
  if (destination === undefined) throw refuse(text, 'has no dst');
  if (!destination.startsWith('/')) throw refuse(text, 'needs an absolute dst');
  if (type !== 'bind') return { type, source: source ?? type, destination, options };
  if (source === undefined) throw refuse(text, 'has no src');
  if (!options.includes('bind') && !options.includes('rbind')) options.unshift('rbind');
  return { type, source: resolve(workingDirectory, source), destination, options };
}

function split(part: string): [string, string?] {
  const at = part.indexOf('=');
  return at < 0 ? [part] : [part.slice(0, at), part.slice(at + 1)];
}

function refuse(text: string, why: string): UsageError {
  return new UsageError(`mount ${JSON.stringify(text)} ${why}`);
}
