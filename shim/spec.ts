// The few things the shim itself must know of the bundle's OCI spec; the rest is the runtime's to judge.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError, messageOf } from '../src/domain/errors.js';

interface Spec {
  readonly process?: { readonly oomScoreAdj?: number };
  readonly linux?: { readonly namespaces?: readonly { readonly type?: string; readonly path?: string }[] };
}

export interface SpecFacts {
  /** No pid namespace of its own: init's death does not kill the others. */
  readonly sharesPidNamespace: boolean;
  /** The container's processes do not inherit the shim's value. */
  readonly setsOomScore: boolean;
}

export function readSpecFacts(bundle: string): SpecFacts {
  const path = join(bundle, 'config.json');
  let spec: Spec | null;
  try {
    spec = JSON.parse(readFileSync(path, 'utf8')) as Spec | null;
  } catch (error) {
    throw new BerthError('invalid-argument', `cannot read the spec ${path}: ${messageOf(error)}`, { cause: error });
  }
  const namespaces = spec?.linux?.namespaces ?? [];
  return {
    sharesPidNamespace: !namespaces.some(({ type, path }) => type === 'pid' && (path ?? '') === ''),
    setsOomScore: spec?.process?.oomScoreAdj !== undefined,
  };
}
