// Named points at which a test has the process die, as if by `kill -9`. Off unless armed, and then of no cost.

let armed: { readonly name: string; passes: number } | undefined;
let armedText = '';

/** `NAME` dies at the first pass of that point, `NAME:3` at the third; empty arms nothing. */
export function armFailpoint(text = ''): void {
  armedText = text;
  const [name = '', pass = '1'] = text.split(':');
  armed = name === '' ? undefined : { name, passes: Number(pass) };
}

/** For threads, which have their own: what to arm there. */
export function armedFailpoint(): string {
  return armedText;
}

export function failpoint(name: string): void {
  if (armed === undefined || armed.name !== name) return;
  armed.passes--;
  if (armed.passes <= 0) process.kill(process.pid, 'SIGKILL');
}
