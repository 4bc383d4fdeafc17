// The runtime options of one task: what the client sent, completed by the daemon's defaults.
import { join } from 'node:path';
import { BerthError, messageOf } from '../domain/errors.js';
import type { RuntimeLocation } from '../domain/records.js';
import { Options } from '../generated/containerd/runc/v1/oci.js';
import type { Any } from '../generated/google/protobuf/any.js';
import type { RuntimeDefaults } from './supervisor.js';

const optionsUrl = 'containerd.runc.v1.Options';

export interface ResolvedRuntime {
  readonly options: Any;
  readonly location: RuntimeLocation;
  /** The directory of the image to restore from; empty for a task that starts afresh. */
  readonly checkpoint: string;
}

/** Throws `invalid-argument` for options of another type. */
export function resolveRuntime(defaults: RuntimeDefaults, namespace: string, sent: Any | undefined): ResolvedRuntime {
  const options = decodeOptions(sent);
  const binary = options.binaryName === '' ? defaults.binary : options.binaryName;
  const root = options.root === '' ? defaults.root : options.root;
  const criuPath = options.criuPath === '' ? defaults.criu : options.criuPath;
  const completed = Options.encode({ ...options, binaryName: binary, root, criuPath }).finish();
  const value = { typeUrl: optionsUrl, value: Buffer.from(completed) };
  const location = { binary, root: join(root, namespace), options: value };
  return { options: value, location, checkpoint: options.criuImagePath };
}

function decodeOptions(sent: Any | undefined): Options {
  if (sent === undefined || sent.value.length === 0) return Options.fromPartial({});
  // Clients prefix the name with a host, or not.
  if (!sent.typeUrl.endsWith(optionsUrl)) {
    throw new BerthError('invalid-argument', `runtime options of type ${sent.typeUrl} are not ${optionsUrl}`);
  }
  try {
    return Options.decode(sent.value);
  } catch (error) {
    throw new BerthError('invalid-argument', `cannot decode the runtime options: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
