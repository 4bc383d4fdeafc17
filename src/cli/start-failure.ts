// Why a process did not start, as podman's exit codes tell it: from the runtime's message, which is all there is.
import { ExitError, UsageError } from './cli-error.js';
import { exitCodes } from './exit-codes.js';
import { messageOf } from '../domain/errors.js';

/** runc's `exec: "x": executable file not found in $PATH`, `exec: "/x": stat /x: no such file`; crun's in backquotes. */
const notFound = [
  /executable file [^\n]*not found in \$PATH/i,
  /exec: "[^"]*": (?:stat [^:]*: )?no such file or directory/i,
  /open executable: no such file or directory/i,
];
const notExecutable = [
  /exec: "[^"]*": (?:stat [^:]*: )?(?:permission denied|is a directory|exec format error)/i,
  /open executable: (?:permission denied|operation not permitted)/i,
];

/** An error that ends `run` and `exec` with podman's code for it. */
export function startFailure(error: unknown): Error {
  if (error instanceof ExitError || error instanceof UsageError) return error;
  const message = messageOf(error).replaceAll('\n', ' ').trim();
  return new ExitError(startFailureCode(message), message, { cause: error });
}

export function startFailureCode(message: string): number {
  if (notFound.some((pattern) => pattern.test(message))) return exitCodes.notFound;
  if (notExecutable.some((pattern) => pattern.test(message))) return exitCodes.notExecutable;
  return exitCodes.runFailed;
}
