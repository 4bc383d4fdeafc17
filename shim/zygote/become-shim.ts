// A fork of the zygote becomes the shim that a freshly started Node would be: a session, the bundle as its working
// directory, its log, and none of the zygote's descriptors.
import { closeSync, openSync, writeSync } from 'node:fs';
import { messageOf } from '../../src/domain/errors.js';
import { encodeMessage, type LaunchOptions, type ZygoteReport } from '../../src/domain/zygote-messages.js';
import { becomeSessionLeader, duplicateDescriptor } from '../../src/linux/session.js';
import { serveShim } from '../serve.js';

const logMode = 0o600;
const failureExitCode = 1;

/** Resolves once the shim serves and has said hello, or could not and has said why. */
export async function becomeShim(options: LaunchOptions, channel: number): Promise<void> {
  try {
    becomeSessionLeader();
    process.title = `berth-shim -namespace ${options.namespace} -id ${options.id}`;
    process.chdir(options.bundle);
    takeLog('log');
    const { pid, shimId } = await serveShim(options);
    say(channel, { kind: 'hello', pid, shimId });
  } catch (error) {
    say(channel, { kind: 'refused', pid: process.pid, error: messageOf(error) });
    process.exit(failureExitCode);
  }
  closeSync(channel);
}

/** stdout and stderr go to the bundle's log. */
function takeLog(path: string): void {
  const log = openSync(path, 'a', logMode);
  duplicateDescriptor(log, 1);
  duplicateDescriptor(log, 2);
  closeSync(log);
}

function say(channel: number, report: ZygoteReport): void {
  try {
    writeSync(channel, encodeMessage(report));
  } catch {
    // berthd has gone: the next one finds the shim by its socket.
  }
}
