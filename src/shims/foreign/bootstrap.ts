// What a shim's `start` prints: where the shim serves, and by which version of the task API. Kept in the bundle.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '../../domain/errors.js';
import type { ShimEndpoint } from '../../domain/records.js';

/** containerd's name for the file. */
const bootstrapFile = 'bootstrap.json';
const scheme = 'unix://';

/** JSON with address, protocol and version, or a bare address, which means version 2. */
export function parseBootstrap(output: string): ShimEndpoint {
  const text = output.trim();
  const { address = text, protocol = 'ttrpc', version = 2 } = parameters(text);
  if (protocol !== 'ttrpc') throw new BerthError('unimplemented', `the shim speaks ${protocol}, and not ttrpc`);
  if (version !== 2 && version !== 3) {
    throw new BerthError('unimplemented', `the shim speaks version ${version} of the task API; 2 and 3 are known`);
  }
  if (!address.startsWith(`${scheme}/`) || /\s/.test(address)) {
    throw new BerthError('unavailable', `the shim gives no address of a unix socket: ${JSON.stringify(text)}`);
  }
  return { address, version };
}

export function socketPath({ address }: ShimEndpoint): string {
  return address.slice(scheme.length);
}

export async function writeBootstrap(bundle: string, endpoint: ShimEndpoint): Promise<void> {
  const text = JSON.stringify({ ...endpoint, protocol: 'ttrpc' });
  await writeFile(join(bundle, bootstrapFile), text, { mode: 0o600 });
}

/** Undefined where no shim has come to serve the bundle. */
export async function readBootstrap(bundle: string): Promise<ShimEndpoint | undefined> {
  try {
    return parseBootstrap(await readFile(join(bundle, bootstrapFile), 'utf8'));
  } catch {
    return undefined;
  }
}

interface Parameters {
  readonly address?: string;
  readonly protocol?: string;
  readonly version?: number;
}

/** As containerd has it, what is no JSON or has a version below 2 is a bare address. */
function parameters(text: string): Parameters {
  try {
    const { address, protocol, version } = JSON.parse(text) as Partial<Record<keyof Parameters, unknown>>;
    if (typeof address !== 'string' || typeof version !== 'number' || version < 2) return {};
    return { address, version, ...(typeof protocol === 'string' && protocol !== '' ? { protocol } : {}) };
  } catch {
    return {};
  }
}
