// A program that a test runs: its output as it comes, its end, and a limit on how long it may take.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { poll, withDeadline } from '../../src/base/deadline.js';

export interface ProgramOptions {
  /** Fed to stdin, which then closes; without it stdin is empty, or open with `keepStdin`. */
  readonly input?: string | Uint8Array;
  readonly keepStdin?: boolean;
  /** Beside the test's own; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly limitMs?: number;
}

export interface ProgramResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Buffer;
  /** As a shell has it: 128 + signal where a signal ended the program. */
  readonly code: number;
}

/** Far above what any one command takes, so that only a hang meets it. */
const programLimitMs = 30_000;

/** Runs a program to its end, whatever its exit code. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return await startProgram(file, args, options).result();
}

export function startProgram(file: string, args: readonly string[], options: ProgramOptions = {}): Program {
  return new Program(file, args, options);
}

export class Program {
  readonly #child: ChildProcess;
  readonly #what: string;
  readonly #limitMs: number;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  readonly #ended: Promise<number>;

  constructor(file: string, args: readonly string[], options: ProgramOptions) {
    this.#what = [file, ...args].join(' ');
    this.#limitMs = options.limitMs ?? programLimitMs;
    this.#child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#stdout.push(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    // A program that does not read all of its input is no failure of the test's.
    this.#child.stdin?.on('error', () => undefined);
    this.#ended = this.#watchEnd();
    if (options.keepStdin !== true) this.#child.stdin?.end(options.input);
    else if (options.input !== undefined) this.#child.stdin?.write(options.input);
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#what} did not start`);
    return this.#child.pid;
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString();
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  write(input: string | Uint8Array): void {
    this.#child.stdin?.write(input);
  }

  closeStdin(): void {
    this.#child.stdin?.end();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with stdout once `pattern` is in it; fails when the program ended without it. */
  async waitForOutput(pattern: RegExp, limitMs = this.#limitMs): Promise<string> {
    const what = `${pattern} from ${this.#what}`;
    return await poll(
      () => {
        if (pattern.test(this.stdout)) return this.stdout;
        if (this.#child.exitCode === null && this.#child.signalCode === null) return undefined;
        throw new Error(`no ${what}: it ended with ${this.#code()}\nstdout: ${this.stdout}\nstderr: ${this.stderr}`);
      },
      { limitMs, intervalMs: 10, what },
    ).catch((error: unknown) => {
      throw new Error(`${what}\nstdout: ${this.stdout}\nstderr: ${this.stderr}`, { cause: error });
    });
  }

  /** The end of the program and all it printed; kills it and fails when it takes longer than its limit. */
  async result(): Promise<ProgramResult> {
    try {
      const code = await withDeadline(this.#ended, this.#limitMs, this.#what);
      const stdoutBytes = Buffer.concat(this.#stdout);
      return { stdout: stdoutBytes.toString(), stderr: this.stderr, stdoutBytes, code };
    } catch (error) {
      this.#child.kill('SIGKILL');
      throw new Error(`${this.#what}\nstdout: ${this.stdout}\nstderr: ${this.stderr}`, { cause: error });
    }
  }

  async #watchEnd(): Promise<number> {
    await once(this.#child, 'close');
    return this.#code();
  }

  #code(): number {
    const { exitCode, signalCode } = this.#child;
    return signalCode === null ? (exitCode ?? -1) : 128 + constants.signals[signalCode];
  }
}
