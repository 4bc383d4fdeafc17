// Reads the spec of an OCI bundle (a directory with config.json and a root filesystem).
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BerthError, messageOf } from '../../domain/errors.js';
import type { OciSpec } from './oci.js';

/** The bundle's spec, its root path made absolute. */
export async function readBundleSpec(bundle: string): Promise<OciSpec> {
  const file = join(bundle, 'config.json');
  const spec = checkSpec(file, parse(file, await read(file)));
  return { ...spec, root: { ...spec.root, path: resolve(bundle, spec.root.path) } };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new BerthError('invalid-argument', `bundle: ${messageOf(error)}`, { cause: error });
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new BerthError('invalid-argument', `${file} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** Only what `berth` itself relies on; the runtime checks the rest. */
function checkSpec(file: string, value: unknown): OciSpec {
  const spec = value as Partial<OciSpec> | null;
  if (typeof spec !== 'object' || spec === null) throw missing(file, 'JSON object');
  if (typeof spec.ociVersion !== 'string') throw missing(file, 'ociVersion');
  if (typeof spec.root?.path !== 'string') throw missing(file, 'root.path');
  if (typeof spec.process?.cwd !== 'string') throw missing(file, 'process.cwd');
  return spec as OciSpec;
}

function missing(file: string, what: string): BerthError {
  return new BerthError('invalid-argument', `${file} is not an OCI spec: no ${what}`);
}
