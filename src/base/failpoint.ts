// Named points at which a test has the process die, as if by `kill -9`. Off unless armed, and then of no cost.
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';

type Armed =
  | { readonly name: string; passes: number }
  /** Whoever passes a point whose file is there takes the file and dies: one death a file, whichever process it is. */
  | { readonly directory: string };

let armed: Armed | undefined;
let armedText = '';

/**
 * `NAME` dies at the first pass of that point, `NAME:3` at the third; `@DIRECTORY` dies at any point that has a file of its
 * name in the directory; empty arms nothing.
 */
export function armFailpoint(text = ''): void {
  armedText = text;
  armed = armedBy(text);
}

/** For threads, which have their own: what to arm there. */
export function armedFailpoint(): string {
  return armedText;
}

export function failpoint(name: string): void {
  if (armed !== undefined && strikes(armed, name)) process.kill(process.pid, 'SIGKILL');
}

function armedBy(text: string): Armed | undefined {
  if (text === '') return undefined;
  if (text.startsWith('@')) return { directory: text.slice(1) };
  const [name = '', pass = '1'] = text.split(':');
  return { name, passes: Number(pass) };
}

function strikes(point: Armed, name: string): boolean {
  if ('name' in point) return point.name === name && --point.passes <= 0;
  try {
    unlinkSync(join(point.directory, name));
    return true;
  } catch {
    return false;
  }
}
