// Where this build lies and what it calls itself.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BuildInfo } from '../api/build-info.js';

/** The directory that holds package.json, proto/ and dist/, in a checkout as in an installation. */
const home = new URL('../../../', import.meta.url);

export const protoDirectory = fileURLToPath(new URL('proto', home));
/** berthd itself, for shims that publish an event by running the daemon's program. */
export const daemonMain = fileURLToPath(new URL('dist/bin/berthd/main.js', home));
export const shimMain = fileURLToPath(new URL('dist/bin/shim/main.js', home));
export const zygoteMain = fileURLToPath(new URL('dist/bin/zygote/main.js', home));

export function readBuildInfo(): BuildInfo {
  const { version, revision } = JSON.parse(readFileSync(new URL('package.json', home), 'utf8')) as Partial<BuildInfo>;
  return { version: version ?? 'unknown', revision: revision ?? '' };
}
