// Files of the installed package beside the built code: LIB/package.json, LIB/proto, LIB/dist/src/cli/.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const packageRoot = new URL('../../../', import.meta.url);

export const protoDirectory = fileURLToPath(new URL('proto', packageRoot));
/** The programs, a directory each. */
export const programDirectory = fileURLToPath(new URL('dist/bin', packageRoot));

export function readPackageVersion(): string {
  const text = readFileSync(new URL('package.json', packageRoot), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}
