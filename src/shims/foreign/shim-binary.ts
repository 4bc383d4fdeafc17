// One run of a foreign shim's binary by containerd's contract: flags, environment, working directory, options on stdin.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeadlineError, withDeadline } from '../../base/deadline.js';
import { BerthError } from '../../domain/errors.js';
import type { ContainerKey } from '../../domain/ids.js';
import { inheritNothing } from '../../linux/inherit-nothing.js';

/** Bytes of output that are kept; an address or a DeleteResponse has a few hundred. */
const maxOutputBytes = 64 * 1024;
/** After its end, for what it wrote last: a child that it started may hold the pipe open for ever. */
const lastWordsMs = 500;

export interface ForeignSettings {
  /** The daemon's gRPC socket. */
  readonly address: string;
  /** The socket that shims send their events to. */
  readonly ttrpcAddress: string;
  /** The program that shims run to publish an event which they do not send to that socket. */
  readonly publishBinary: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Told of each process that libuv waits for. */
  readonly onSpawn: (child: ChildProcess) => void;
}

export interface ShimRun extends ContainerKey {
  readonly binary: string;
  readonly action: 'start' | 'delete';
  readonly bundle: string;
  /** An encoded google.protobuf.Any; empty for none. */
  readonly input: Uint8Array;
  readonly timeoutMs: number;
}

/** The task API's newest version that Berth speaks. */
const maxShimVersion = 3;

/** What it has printed; rejects with what it says where it fails, and kills it where it takes too long. */
export async function runShimBinary(settings: ForeignSettings, run: ShimRun): Promise<Buffer> {
  inheritNothing();
  const child = spawn(run.binary, flagsOf(settings, run), {
    cwd: run.bundle,
    // Of a session of its own, as Berth's own shims: what it starts is not for a terminal's Ctrl-C.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environmentOf(settings, run),
  });
  settings.onSpawn(child);
  const printed = collect(child);
  const what = `${run.binary} ${run.action}`;
  try {
    const code = await withDeadline(endOf(child, run.input), run.timeoutMs, what);
    await Promise.race([printed.closed, sleep(lastWordsMs, undefined, { ref: false })]);
    if (code === 0) return printed.output();
    throw new BerthError('unavailable', `${what} ended with ${code}: ${printed.errors()}`);
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    child.kill('SIGKILL');
    throw new BerthError('deadline-exceeded', error.message, { cause: error });
  } finally {
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
  }
}

function flagsOf({ address, publishBinary }: ForeignSettings, { namespace, id, bundle, action }: ShimRun): string[] {
  const daemon = ['-namespace', namespace, '-address', address, '-publish-binary', publishBinary];
  return [...daemon, '-id', id, '-bundle', bundle, action];
}

function environmentOf(settings: ForeignSettings, { namespace }: ShimRun): NodeJS.ProcessEnv {
  return {
    ...settings.environment,
    TTRPC_ADDRESS: settings.ttrpcAddress,
    GRPC_ADDRESS: settings.address,
    NAMESPACE: namespace,
    MAX_SHIM_VERSION: String(maxShimVersion),
    // A shim mostly waits; containerd starts its own with as many.
    GOMAXPROCS: '4',
  };
}

/** The exit code, or the name of the signal. */
async function endOf(child: ChildProcess, input: Uint8Array): Promise<number | string> {
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  // It need not read its options at all.
  child.stdin?.on('error', () => undefined).end(input);
  const [code, signal] = await ended;
  return code ?? signal ?? 'no code';
}

function collect(child: ChildProcess) {
  const output = new Tail();
  const errors = new Tail();
  child.stdout?.on('data', (bytes: Buffer) => output.push(bytes));
  child.stderr?.on('data', (bytes: Buffer) => errors.push(bytes));
  const closed = once(child, 'close').catch(() => undefined);
  return {
    closed,
    output: () => output.bytes,
    errors: () => Buffer.concat([output.bytes, errors.bytes]).toString('utf8').trim(),
  };
}

/** The last bytes of a stream. */
class Tail {
  bytes: Buffer = Buffer.alloc(0);

  push(more: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, more]).subarray(-maxOutputBytes);
  }
}
