// What the OCI runtime itself says of a container: `state`, which every runtime has.
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { openMemoryFile } from '../linux/memory-file.js';
import { type GlobalOptions, globalArguments, stateArguments } from './arguments.js';
import { runCommand } from './command.js';
import type { SpawnProgram } from './spawn-program.js';

/** It reads a file and looks at a process. */
const stateTimeoutMs = 5000;

export interface ContainerState {
  /** In the words of the OCI runtime specification: created, running, stopped; runc also says paused. */
  readonly status: string;
  /** 0 where it has none. */
  readonly pid: number;
  /** When the runtime made it, as RFC 3339; empty where it does not say. */
  readonly created: string;
}

export interface StateQuery extends GlobalOptions {
  readonly binary: string;
  readonly directory: string;
  readonly spawn: SpawnProgram;
}

/** A text where the runtime has no state to tell: why, in its words. */
export async function containerState(query: StateQuery, id: string): Promise<ContainerState | string> {
  const { binary, directory, spawn } = query;
  const nothing = openSync('/dev/null', constants.O_RDWR);
  const output = openMemoryFile('runtime-state');
  try {
    const outcome = await runCommand({
      binary,
      directory,
      spawn,
      timeoutMs: stateTimeoutMs,
      diesWithParent: true,
      argumentsFor: (logFile) => [...globalArguments(query, logFile), ...stateArguments(id)],
      stdio: [nothing, output.fd, nothing],
    });
    return outcome.ok ? parseContainerState(readFileSync(output.path, 'utf8')) : outcome.message;
  } finally {
    closeSync(output.fd);
    closeSync(nothing);
  }
}

export function parseContainerState(text: string): ContainerState | string {
  try {
    const { status, pid, created } = JSON.parse(text) as Record<string, unknown>;
    if (typeof status !== 'string') return 'a state without a status';
    return { status, pid: Number(pid ?? 0), created: typeof created === 'string' ? created : '' };
  } catch {
    return 'no JSON';
  }
}
