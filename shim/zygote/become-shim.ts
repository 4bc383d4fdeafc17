// A fork of the zygote becomes the shim that a freshly started Node would be: a session, the bundle as its working
// directory, its log, and none of the zygote's descriptors.
import { closeSync, openSync } from 'node:fs';
import { messageOf } from '../../src/domain/errors.js';
import type { LaunchOptions } from '../../src/domain/zygote-messages.js';
import { unblockChildSignals } from '../../src/linux/fork-wait.js';
import { becomeSessionLeader, duplicateDescriptor } from '../../src/linux/session.js';
import { serveShim } from '../serve.js';
import { type ForkServer, report } from './serve-forks.js';

const logMode = 0o600;
const failureExitCode = 1;

/** Resolves once the shim serves and has said hello, or could not and has said why. */
export async function becomeShim(options: LaunchOptions, { channel, signals }: ForkServer): Promise<void> {
  try {
    becomeSessionLeader();
    closeSync(signals);
    unblockChildSignals();
    process.title = `berth-shim -namespace ${options.namespace} -id ${options.id}`;
    process.chdir(options.bundle);
    takeLog('log');
    await serveShim(options);
    report(channel, { kind: 'hello', pid: process.pid });
  } catch (error) {
    report(channel, { kind: 'hello', pid: process.pid, error: messageOf(error) });
    process.exitCode = failureExitCode;
  } finally {
    closeSync(channel);
  }
}

/** stdout and stderr go to the bundle's log. */
function takeLog(path: string): void {
  const log = openSync(path, 'a', logMode);
  duplicateDescriptor(log, 1);
  duplicateDescriptor(log, 2);
  closeSync(log);
}
