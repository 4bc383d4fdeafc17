// K=V arguments: labels, and variables of the environment.
import { UsageError } from '../cli-error.js';

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** `K=V`; the value may be empty and may hold further `=`. `what` names the argument in the message. */
export function parseKeyValue(what: string, text: string): KeyValue {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`${what} ${JSON.stringify(text)} is not of the form KEY=VALUE`);
  return { key: text.slice(0, at), value: text.slice(at + 1) };
}

/** Labels given as `K=V`, or as `K` alone for `K=true`, as ctr has it; the last of a key counts. */
export function parseLabels(texts: readonly string[]): Record<string, string> {
  const labels = new Map<string, string>();
  for (const text of texts) {
    const { key, value } = text.includes('=') ? parseKeyValue('label', text) : { key: text, value: 'true' };
    if (key === '') throw new UsageError('a label needs a key');
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}

/**
 * Changes of labels: `K=V` sets, `K-` and `K=` remove, as kubectl and ctr have it. A removed label has an empty value,
 * which is how it travels to the daemon.
 */
export function parseLabelChanges(texts: readonly string[]): Record<string, string> {
  const changes = new Map<string, string>();
  for (const text of texts) {
    if (!text.includes('=') && text.length > 1 && text.endsWith('-')) {
      changes.set(text.slice(0, -1), '');
      continue;
    }
    const { key, value } = parseKeyValue('label', text);
    changes.set(key, value);
  }
  return Object.fromEntries(changes);
}

/** `K=V`, or `K` alone for the value it has in `environment`; a variable that is not set there is left out. */
export function parseEnv(texts: readonly string[], environment: NodeJS.ProcessEnv): string[] {
  return texts.flatMap((text) => {
    if (text.includes('=')) {
      const { key, value } = parseKeyValue('environment variable', text);
      return [`${key}=${value}`];
    }
    if (text === '') throw new UsageError('an environment variable needs a name');
    const value = environment[text];
    return value === undefined ? [] : [`${text}=${value}`];
  });
}

/** `base` with `changes` set over it; the order of `base` is kept, new variables follow. */
export function mergeEnv(base: readonly string[], changes: readonly string[]): string[] {
  const merged = new Map<string, string>();
  for (const entry of [...base, ...changes]) merged.set(entry.split('=', 1)[0] ?? entry, entry);
  return [...merged.values()];
}
