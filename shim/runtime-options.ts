// containerd.runc.v1.Options of a Create: what is honoured, and a clear refusal of what is not.
import { join } from 'node:path';
import { BerthError, messageOf } from '../src/domain/errors.js';
import { Options } from '../src/generated/containerd/runc/v1/oci.js';

const typeName = 'containerd.runc.v1.Options';
const defaultBinary = 'runc';
const defaultRoot = '/run/berth/runc';

export interface RuntimeOptions {
  readonly binary: string;
  /** The runtime's --root, which namespaces do not share. */
  readonly root: string;
  readonly systemdCgroup: boolean;
  readonly noPivotRoot: boolean;
  readonly noNewKeyring: boolean;
  readonly ioUid: number;
  readonly ioGid: number;
  /** Empty: the shim stays where it is. */
  readonly shimCgroup: string;
  /** Empty: the `criu` on PATH. */
  readonly criuPath: string;
  /** Where a restore keeps its log; empty: nowhere for longer than it takes. */
  readonly criuWorkPath: string;
}

export function runtimeOptions(
  any: { readonly typeUrl: string; readonly value: Uint8Array } | undefined,
  namespace: string,
): RuntimeOptions {
  const options = decode(any);
  refuse('task_api_address', options.taskApiAddress);
  return {
    binary: options.binaryName === '' ? defaultBinary : options.binaryName,
    root: join(options.root === '' ? defaultRoot : options.root, namespace),
    systemdCgroup: options.systemdCgroup,
    noPivotRoot: options.noPivotRoot,
    noNewKeyring: options.noNewKeyring,
    ioUid: options.ioUid,
    ioGid: options.ioGid,
    shimCgroup: options.shimCgroup,
    criuPath: criuPath(options.criuPath),
    criuWorkPath: options.criuWorkPath,
  };
}

function decode(any: { readonly typeUrl: string; readonly value: Uint8Array } | undefined): Options {
  if (any === undefined || any.typeUrl === '') return Options.decode(new Uint8Array());
  if (any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1) !== typeName) {
    throw new BerthError('invalid-argument', `runtime options of type ${any.typeUrl}: expected ${typeName}`);
  }
  try {
    return Options.decode(any.value);
  } catch (error) {
    throw new BerthError('invalid-argument', `malformed runtime options: ${messageOf(error)}`, { cause: error });
  }
}

/** New versions of runc look for `criu` on PATH and take no other name. */
function criuPath(path: string): string {
  if (path === '' || path === 'criu' || /^\/(.*\/)?criu$/.test(path)) return path === 'criu' ? '' : path;
  throw new BerthError('invalid-argument', `runtime option criu_path ${path} is no absolute path of a file named criu`);
}

function refuse(name: string, value: string): void {
  if (value !== '') throw new BerthError('invalid-argument', `runtime option ${name} is not supported`);
}
