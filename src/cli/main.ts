// `berth`: runs one command, prints a failure as one line, and exits once everything printed has been taken.
import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { messageOf } from '../domain/errors.js';
import { ExitError, outputFailure, UsageError } from './cli-error.js';
import { exitCodes } from './exit-codes.js';
import { buildProgram, isCommanderError, usageMessage } from './program.js';
import { Session } from './session.js';

// What Node will take away some day is not its user's to mend: grpc-js names a TLS server by its IP address, for one.
process.noDeprecation = process.env['BERTH_DEBUG'] !== '1';
const terminals = [0, 1, 2].filter((fd) => isatty(fd));
const session = new Session(process.stdout, process.env);
let outputIsBroken = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  outputIsBroken = true;
  // `run` and `exec` listen too, and end their process first.
  if (process.stdout.listenerCount('error') > 1) return;
  if (error.code === 'EPIPE') leave(exitCodes.brokenPipe);
  process.stderr.write(`berth: ${outputFailure(error).message}\n`, () => leave(exitCodes.failed));
});
process.stderr.on('error', () => undefined);

void main();

async function main(): Promise<never> {
  const code = await run();
  session.close();
  if (!outputIsBroken) await flush(process.stdout);
  await flush(process.stderr);
  return leave(code);
}

async function run(): Promise<number> {
  try {
    await buildProgram(session).parseAsync();
    return session.exitCode;
  } catch (error) {
    const { code, message } = explain(error);
    if (message !== '') process.stderr.write(`berth: ${message}\n`);
    if (process.env['BERTH_DEBUG'] === '1') process.stderr.write(`${stackOf(error)}\n`);
    return code;
  }
}

function explain(error: unknown): { readonly code: number; readonly message: string } {
  if (isCommanderError(error)) return explainCommander(error);
  if (error instanceof UsageError) return { code: exitCodes.usage, message: error.message };
  if (error instanceof ExitError) return { code: error.code, message: error.message };
  return { code: exitCodes.failed, message: messageOf(error).replaceAll('\n', ' ') };
}

function explainCommander(error: Parameters<typeof usageMessage>[0]): { code: number; message: string } {
  if (error.exitCode === 0) return { code: 0, message: '' };
  // The help has been printed already.
  const message = error.code === 'commander.help' ? '' : usageMessage(error, 'berth');
  return { code: exitCodes.usage, message };
}

/** Node crashes at an exit where it cannot reset a terminal that is gone; to die of SIGHUP is what that is called anyway. */
function leave(code: number): never {
  if (terminals.some((fd) => !isatty(fd))) process.kill(process.pid, 'SIGHUP');
  process.exit(code);
}

async function flush(stream: Writable): Promise<void> {
  if (stream.destroyed) return;
  await new Promise<void>((resolve) => stream.write('', () => resolve()));
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
