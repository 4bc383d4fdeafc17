// What Berth reads of an OCI spec, and the one thing it adds: a PATH where the client gave none, as Docker and podman
// do. Debian's `ctr run --rootfs DIR ID sh` sends no environment at all, and runc then finds no command.
import { BerthError, messageOf } from './errors.js';

/** containerd's default for unix. */
const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface ProcessSpec {
  readonly env?: readonly string[];
}

/** The container's spec as it goes into the bundle; `invalid-argument` naming `what` when it is not a JSON object. */
export function completedSpec(what: string, spec: Uint8Array): Uint8Array {
  const parsed = parseJsonObject(what, spec) as { readonly process?: ProcessSpec };
  if (parsed.process === undefined || hasPath(parsed.process)) return spec;
  return encode({ ...parsed, process: withPath(parsed.process) });
}

/** The same for the process of an exec. */
export function completedProcess(what: string, spec: Uint8Array): Uint8Array {
  const parsed = parseJsonObject(what, spec) as ProcessSpec;
  return hasPath(parsed) ? spec : encode(withPath(parsed));
}

function hasPath({ env }: ProcessSpec): boolean {
  return Array.isArray(env) && env.some((entry) => String(entry).startsWith('PATH='));
}

function withPath<P extends ProcessSpec>(process: P): P {
  return { ...process, env: [defaultPath, ...(process.env ?? [])] };
}

function encode(spec: object): Uint8Array {
  return Buffer.from(JSON.stringify(spec));
}

/** `invalid-argument` naming `what` when the bytes are not a JSON object. */
export function parseJsonObject(what: string, spec: Uint8Array): object {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(spec).toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch (error) {
    throw new BerthError('invalid-argument', `${what} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  throw new BerthError('invalid-argument', `${what} is not a JSON object`);
}
