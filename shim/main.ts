#!/usr/bin/env node
// The shim's program: flags, then the action they name.
import { closeSync, writeSync } from 'node:fs';
import { messageOf } from '../src/domain/errors.js';
import { parseFlags, type ShimFlags } from './flags.js';
import { serveShim } from './serve.js';

/** berthd's pipe for one line of JSON: the hello, or why there is none. */
const helloFd = 3;
const usageExitCode = 2;

const actions: Readonly<Record<string, (flags: ShimFlags) => Promise<void>>> = { serve };

await main();

async function main(): Promise<void> {
  try {
    const flags = parseFlags(process.argv.slice(2));
    const action = Object.hasOwn(actions, flags.action) ? actions[flags.action] : undefined;
    if (action === undefined) throw new Error(`unknown action ${JSON.stringify(flags.action)}: expected serve`);
    await action(flags);
  } catch (error) {
    process.stderr.write(`containerd-shim-berth-v2: ${messageOf(error)}\n`);
    process.exitCode = usageExitCode;
  }
}

async function serve(flags: ShimFlags): Promise<void> {
  const { namespace, id, bundle, debug } = flags;
  try {
    sayHello(await serveShim({ namespace, id, bundle: bundle === '' ? '.' : bundle, debug }));
  } catch (error) {
    sayHello({ error: messageOf(error) });
    throw error;
  }
}

/** Whoever started us without the pipe does not want to know. */
function sayHello(line: object): void {
  try {
    writeSync(helloFd, `${JSON.stringify(line)}\n`);
    closeSync(helloFd);
  } catch {
    // Not there, or its reader is gone.
  }
}
