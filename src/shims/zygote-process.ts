// One zygote's process: how it is started, the channel to it, and its end. What is asked of it is `zygote.ts`'s.
import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { encodeMessage, MessageDecoder, type ZygoteReport, type ZygoteRequest } from '../domain/zygote-messages.js';
import { inheritNothing } from '../linux/inherit-nothing.js';

/** A shim's start calls few functions half as often; one that carries output comes to it within a second. */
const callsBeforeFeedback = 800;
export const zygoteFlags: readonly string[] = [
  // Without V8's helper threads, whose locks and work a forked child would lack.
  '--single-threaded',
  '--v8-pool-size=0',
  // What has been compiled once is not thrown away for each fork to compile again.
  '--no-flush-bytecode',
  // A collection writes to pages all over a fork's heap. None comes for mere idleness, nor soon.
  '--no-memory-reducer',
  '--initial-old-space-size=32',
  '--min-semi-space-size=4',
  // For the zygote to collect by itself before it forks.
  '--expose-gc',
  ...lateFeedback(process.versions.node),
];
/** A process's title can be as long as its command line, and a shim's names two ids. */
const titleRoom = '-'.repeat(200);

const zygoteEnvironment = {
  // Its rings are shared memory: a child would submit to its parent's.
  UV_USE_IO_URING: '0',
} as const;

/** After its process has ended, what it sent last is read; its children hold the channel open until they serve. */
const lastWordsTimeoutMs = 1000;

export interface ZygoteSettings {
  /** The path of its built program. */
  readonly main: string;
  /** Where zygotes rehearse, each in a directory of its own. */
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Told of the process that libuv waits for. */
  readonly onSpawn: (child: ChildProcess) => void;
}

export class ZygoteProcess {
  /** Resolves when it has ended and what it sent last is read. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #channel: Socket;

  constructor({ main, directory, environment, onSpawn }: ZygoteSettings, onReport: (report: ZygoteReport) => void) {
    inheritNothing();
    this.#child = spawn(process.execPath, [...zygoteFlags, main, directory, titleRoom], {
      // Of its own session, so that a terminal's Ctrl-C is berthd's to answer.
      detached: true,
      cwd: '/',
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      env: { ...environment, ...zygoteEnvironment },
    });
    onSpawn(this.#child);
    const channel = this.#child.stdio[3];
    if (!(channel instanceof Socket)) throw new TypeError('the channel of the zygote is missing');
    this.#channel = channel;
    this.#child.unref();
    channel.unref();
    this.ended = this.#watchEnd();
    this.#read(onReport);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  send(request: ZygoteRequest): void {
    this.#channel.write(encodeMessage(request));
  }

  /** It ends with its channel; its shims live on. */
  close(): void {
    this.#channel.end();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #read(onReport: (report: ZygoteReport) => void): void {
    const decoder = new MessageDecoder<ZygoteReport>();
    this.#channel.setEncoding('utf8');
    this.#channel.on('data', (text: string) => {
      try {
        for (const report of decoder.push(text)) onReport(report);
      } catch {
        // No message of ours: whatever it is now, it is no zygote.
        this.kill();
      }
    });
    // The process's end says the same.
    this.#channel.on('error', () => undefined);
  }

  async #watchEnd(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#child.once('exit', () => resolve());
      // It could not be started at all.
      this.#child.once('error', () => resolve());
    });
    if (this.#channel.destroyed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, lastWordsTimeoutMs);
      this.#channel.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/**
 * V8 gathers feedback about a function from its eighth call on, for a compiler that an idle shim never needs, and writes to
 * it in every call after. Here it waits until the function is truly busy. The flag's name is the release line's own.
 */
function lateFeedback(version: string): string[] {
  const major = Number(version.split('.', 1)[0]);
  if (major === 20) return [`--interrupt-budget-factor-for-feedback-allocation=${callsBeforeFeedback}`];
  // A flag that V8 does not know would end the process.
  return [22, 24, 26].includes(major) ? [`--invocation-count-for-feedback-allocation=${callsBeforeFeedback}`] : [];
}
