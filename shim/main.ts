// The shim's program: flags, then the action they name.
import { closeSync, writeSync } from 'node:fs';
import { messageOf } from '../src/domain/errors.js';
import { parseFlags, type ShimFlags } from './flags.js';

/** The pipe of whoever started us, for one line: the hello or the address, or why there is none. */
const answerFd = 3;
const stdoutFd = 1;
const usageExitCode = 2;
const failureExitCode = 1;

/** `serve` is berthd's, the others are containerd's, and each loads no more than it needs. */
const actions: Readonly<Record<string, (flags: ShimFlags) => Promise<void>>> = { serve, start, delete: remove };

void main();

async function main(): Promise<void> {
  try {
    const flags = parseFlags(process.argv.slice(2));
    if (flags.version || flags.info) return await describe(flags);
    const action = Object.hasOwn(actions, flags.action) ? actions[flags.action] : undefined;
    if (action === undefined)
      throw new Error(`unknown action ${JSON.stringify(flags.action)}: expected start, delete or serve`);
    await action(flags);
  } catch (error) {
    process.stderr.write(`containerd-shim-berth-v2: ${messageOf(error)}\n`);
    process.exitCode = usageExitCode;
  }
}

async function serve(flags: ShimFlags): Promise<void> {
  const { namespace, id, bundle, debug } = flags;
  try {
    const { serveShim } = await import('./serve.js');
    sayHello(await serveShim({ namespace, id, bundle: bundle === '' ? '.' : bundle, debug }));
  } catch (error) {
    sayHello({ error: messageOf(error) });
    throw error;
  }
}

async function start(flags: ShimFlags): Promise<void> {
  const { startForContainerd } = await import('./contract/start.js');
  try {
    answer(await startForContainerd(flags, process.env));
  } catch (error) {
    answer(`containerd-shim-berth-v2: ${messageOf(error)}`);
    process.exit(failureExitCode);
  }
}

async function remove(flags: ShimFlags): Promise<void> {
  const { deleteForContainerd } = await import('./contract/delete.js');
  writeSync(stdoutFd, await deleteForContainerd(flags));
}

async function describe(flags: ShimFlags): Promise<void> {
  const { runtimeInfo, versionText } = await import('./contract/describe.js');
  if (flags.version) writeSync(stdoutFd, versionText());
  else writeSync(stdoutFd, runtimeInfo());
}

/** Whoever started us without the pipe does not want to know. */
function sayHello(line: object): void {
  answer(`${JSON.stringify(line)}\n`);
}

function answer(text: string): void {
  try {
    writeSync(answerFd, text);
    closeSync(answerFd);
  } catch {
    // Not there, or its reader is gone.
  }
}
