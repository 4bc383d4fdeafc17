// Exit codes of `berth`. `run` and `exec` use podman's, so that a container's own code can be told from Berth's.
export const exitCodes = {
  failed: 1,
  usage: 2,
  /** `run` and `exec`: Berth itself failed. */
  runFailed: 125,
  /** `run` and `exec`: the command was found and cannot be executed. */
  notExecutable: 126,
  /** `run` and `exec`: the command was not found. */
  notFound: 127,
  /** Whoever read our output has gone: 128 + SIGPIPE, as of a process that the signal ended. */
  brokenPipe: 141,
} as const satisfies Record<string, number>;

/** What a shell sees of a process that `signal` ended. */
export function exitCodeOfSignal(signal: number): number {
  return 128 + signal;
}
