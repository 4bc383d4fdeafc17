// What the shim says of itself without a container: `-v` for people, and `-info` for containerd 2.0 and newer.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Options } from '../../src/generated/containerd/runc/v1/oci.js';
import { RuntimeInfo } from '../../src/generated/containerd/types/introspection.js';
import { Any } from '../../src/generated/google/protobuf/any.js';
import { version } from '../version.js';

const featuresUrl = 'types.containerd.io/opencontainers/runtime-spec/1/features/Features';
const featuresTimeoutMs = 5000;
const stdinFd = 0;

export function versionText(): string {
  return `containerd-shim-berth-v2:\n  Version:      ${version}\n  Node version: ${process.version}\n`;
}

/** A RuntimeInfo as bytes; the runtime's options come in on stdin. */
export function runtimeInfo(): Uint8Array {
  const input = readFileSync(stdinFd);
  const options = input.length === 0 ? undefined : Any.decode(input);
  return RuntimeInfo.encode({
    name: 'io.containerd.berth.v2',
    version: { version, revision: '' },
    options,
    features: features(options === undefined ? '' : Options.decode(options.value).binaryName),
    annotations: {},
  }).finish();
}

/** Undefined for a runtime that does not know the question, or is not there. */
function features(binary: string): Any | undefined {
  try {
    const value = execFileSync(binary === '' ? 'runc' : binary, ['features'], {
      timeout: featuresTimeoutMs,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return { typeUrl: featuresUrl, value };
  } catch {
    return undefined;
  }
}
