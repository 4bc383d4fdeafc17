// Runs a program to its end with nothing read from it, so that only the program costs time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Only a hang meets it. */
const limitMs = 60_000;

/** Throws when it fails; what it says goes to our own stderr, which a container that it leaves behind may hold open. */
export async function runQuickly(file: string, args: readonly string[]): Promise<void> {
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: limitMs, killSignal: 'SIGKILL' });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code ?? signal}`);
}
