// Runs a program that scripts/bundle.mjs made one file of, out of its code cache where there is one for this Node.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { readCodeCache } from './code-cache.js';

/** What the file evaluates to. */
type Program = (require: NodeJS.Require, filename: string) => void;

/** `require` is for the packages with native code, which stay outside the bundle. */
export function runBundle(directory: string, require: NodeJS.Require): void {
  const filename = join(directory, 'program.js');
  const source = readFileSync(filename);
  const cachedData = readCodeCache(join(directory, 'program.cache'), source);
  // The bundle is ASCII, and V8 keeps a string of one byte a character outside its heap, as it is.
  const script = new Script(source.toString('latin1'), { filename, ...(cachedData && { cachedData }) });
  (script.runInThisContext() as Program)(require, filename);
}
