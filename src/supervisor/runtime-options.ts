// The shim and the runtime options of one task: what the client asked for, completed by the daemon's defaults.
import { basename, join } from 'node:path';
import { BerthError, messageOf } from '../domain/errors.js';
import type { RuntimeLocation } from '../domain/records.js';
import { shimChoice } from '../domain/runtime-name.js';
import { Options } from '../generated/containerd/runc/v1/oci.js';
import type { Any } from '../generated/google/protobuf/any.js';
import { findShimBinary } from '../shims/foreign/find-shim-binary.js';
import type { RuntimeDefaults } from './supervisor.js';

const optionsUrl = 'containerd.runc.v1.Options';
/** Shims for runc, which take these options; others have options of their own, or none. */
const runcShim = /^containerd-shim-(runc|berth)-v\d+$/;

export interface ResolvedRuntime {
  readonly options: Any | undefined;
  readonly location: RuntimeLocation;
  /** The directory of the image to restore from; empty for a task that starts afresh. */
  readonly checkpoint: string;
}

export interface RuntimeRequest {
  readonly namespace: string;
  readonly name: string;
  readonly options: Any | undefined;
}

/** Throws `not-found` for a shim that is not there, `invalid-argument` for options that Berth's own does not take. */
export function resolveRuntime(
  defaults: RuntimeDefaults,
  { namespace, name, options }: RuntimeRequest,
): ResolvedRuntime {
  const choice = shimChoice(name, defaults.names);
  if (choice.kind === 'own') return withDefaults(defaults, namespace, decodeOptions(options));
  const shim = findShimBinary(name, choice, defaults.searchPath);
  if (!takesRuncOptions(shim, options)) return asSent(defaults, { namespace, shim, options });
  const resolved = withDefaults(defaults, namespace, decodeOptions(options));
  return { ...resolved, location: { ...resolved.location, shim } };
}

/** So that the shim keeps its containers where Berth looks for them, and not among containerd's. */
function withDefaults(defaults: RuntimeDefaults, namespace: string, options: Options): ResolvedRuntime {
  const binary = options.binaryName === '' ? defaults.binary : options.binaryName;
  const root = options.root === '' ? defaults.root : options.root;
  const criuPath = options.criuPath === '' ? defaults.criu : options.criuPath;
  const completed = Options.encode({ ...options, binaryName: binary, root, criuPath }).finish();
  const value = { typeUrl: optionsUrl, value: Buffer.from(completed) };
  const location = { binary, root: join(root, namespace), options: value };
  return { options: value, location, checkpoint: options.criuImagePath };
}

function takesRuncOptions(shim: string, sent: Any | undefined): boolean {
  if (isSent(sent)) return sent.typeUrl.endsWith(optionsUrl);
  return runcShim.test(basename(shim));
}

function asSent(
  defaults: RuntimeDefaults,
  {
    namespace,
    shim,
    options,
  }: { readonly namespace: string; readonly shim: string; readonly options: Any | undefined },
): ResolvedRuntime {
  const { binary, root } = defaults;
  const given = isSent(options) ? options : undefined;
  const kept = given ?? { typeUrl: '', value: Buffer.alloc(0) };
  return { options: given, location: { binary, root: join(root, namespace), options: kept, shim }, checkpoint: '' };
}

function isSent(options: Any | undefined): options is Any {
  return options !== undefined && (options.typeUrl !== '' || options.value.length > 0);
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
