// Writes bytes to a stream no faster than they are taken.
import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Never resolves once the stream is broken: the program ends then. */
export async function writeOutput(output: Writable, bytes: Uint8Array): Promise<void> {
  if (!output.write(bytes)) await once(output, 'drain');
}
