// Our own terminal: its size, and raw mode, from which it is brought back whatever happens.
import type { ReadStream, WriteStream } from 'node:tty';
import { UsageError } from '../cli-error.js';

export interface TerminalWishes {
  readonly tty?: boolean;
  readonly interactive?: boolean;
  readonly detach?: boolean;
}

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** Input of a terminal that is none has an end that a terminal cannot pass on: the process would wait for ever. */
export function checkTerminal({ tty, interactive, detach }: TerminalWishes): void {
  if (tty !== true || interactive !== true || detach === true || process.stdin.isTTY) return;
  throw new UsageError('standard input is not a terminal: leave -t or -i out');
}

/** The size of the terminal that we print to; undefined where we print to none. */
export function terminalSize(): TerminalSize | undefined {
  const terminal = ourTerminal();
  // A terminal that nobody has told its size says 0.
  if (terminal === undefined || !(terminal.columns > 0) || !(terminal.rows > 0)) return undefined;
  return { width: terminal.columns, height: terminal.rows };
}

/** The function that it returns stops it. */
export function onTerminalResize(listener: (size: TerminalSize) => void): () => void {
  const terminal = ourTerminal();
  const onResize = () => {
    const size = terminalSize();
    if (size !== undefined) listener(size);
  };
  terminal?.on('resize', onResize);
  return () => terminal?.off('resize', onResize);
}

/**
 * Every key goes to the process, unechoed. Undone by the function that it returns, and at the exit of this process
 * however that comes about, short of SIGKILL.
 */
export function enterRawMode(): () => void {
  const stdin: ReadStream = process.stdin;
  if (!stdin.isTTY) return () => undefined;
  const restore = () => {
    if (stdin.isRaw) stdin.setRawMode(false);
  };
  process.on('exit', restore);
  stdin.setRawMode(true);
  return () => {
    restore();
    process.off('exit', restore);
  };
}

function ourTerminal(): WriteStream | undefined {
  return [process.stdout, process.stderr].find((stream) => stream.isTTY);
}
