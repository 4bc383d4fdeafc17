// A log driver (binary://): a program that is handed a process's output as its descriptors 3 and 4, and says on 5 that it
// is ready, by a byte or by closing it. One driver serves both streams where both name the same URI.
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { withDeadline } from '../../src/base/deadline.js';
import type { Log } from '../../src/base/log.js';
import { BerthError, messageOf } from '../../src/domain/errors.js';
import { isDying } from '../../src/linux/dying-process.js';
import { liftDescriptor, openPipe } from '../../src/linux/pipe.js';
import type { ExitStatus } from '../../src/linux/wait.js';
import type { RunningProgram, SpawnProgram } from '../../src/runc/spawn-program.js';
import { DriverSink } from './driver-sink.js';
import type { DriverTarget } from './stream-target.js';

/** A driver has to load and to open its log. */
const readyTimeoutMs = 10_000;

/** Above all that a driver has, so that none of ours is in the way of its own. */
const leastDescriptor = 16;

export interface DriverHost {
  readonly containerId: string;
  readonly namespace: string;
  readonly spawn: SpawnProgram;
}

/** In the order of descriptors 3 and 4. */
const streamNames = ['stdout', 'stderr'] as const;
type OutputName = (typeof streamNames)[number];

export class LogDriver {
  readonly #target: DriverTarget;
  readonly #host: DriverHost;
  readonly #log: Log;
  /** Ends that the driver is to read, until it has them. */
  readonly #readEnds = new Map<OutputName, number>();
  #program: RunningProgram | undefined;
  #end: ExitStatus | undefined;

  constructor(target: DriverTarget, host: DriverHost, log: Log) {
    this.#target = target;
    this.#host = host;
    this.#log = log.child({ driver: target.path });
  }

  /** Before the start. */
  openSink(name: OutputName): DriverSink {
    const { read, write } = openPipe();
    this.#readEnds.set(name, read);
    return new DriverSink(write, this.#log.child({ stream: name }));
  }

  /** Resolves once the driver is ready; `failed-precondition` when it cannot be started, ends before, or is not in time. */
  async start(): Promise<void> {
    const { path } = this.#target;
    try {
      await withDeadline(this.#startAndAwait(), readyTimeoutMs, 'its readiness');
    } catch (error) {
      this.close();
      const cause = { cause: error };
      throw new BerthError('failed-precondition', `cannot start log driver ${path}: ${messageOf(error)}`, cause);
    }
  }

  /** Resolves when the driver has ended, as it does with its streams. */
  async ended(): Promise<void> {
    await this.#program?.ended;
  }

  /** Kills a driver that overstays; one that has ended is let be. */
  close(): void {
    for (const fd of this.#readEnds.values()) closeSync(fd);
    this.#readEnds.clear();
    if (this.#program === undefined || this.#end !== undefined) return;
    this.#log.warn('a log driver is killed, as it has not ended by itself');
    this.#program.kill();
  }

  async #startAndAwait(): Promise<void> {
    const ready = openPipe();
    const reader = new Socket({ fd: ready.read, readable: true, writable: false });
    try {
      const program = await this.#spawn(ready.write);
      await Promise.race([once(reader, 'data'), once(reader, 'end')]);
      // A driver that dies closes its descriptors too.
      const end = this.#end ?? (isDying(program.pid) ? await program.ended : undefined);
      if (end !== undefined) throw new Error(`it ended with status ${end.status}`);
    } finally {
      reader.destroy();
    }
  }

  /** In the root directory: it may outlive this shim by what it still has to write, and the bundle must not wait for it. */
  async #spawn(ready: number): Promise<RunningProgram> {
    const { containerId, namespace, spawn } = this.#host;
    const { path, args } = this.#target;
    const outputs = streamNames.map((name) => this.#readEnds.get(name) ?? openEnded());
    this.#readEnds.clear();
    const fds = [openSync('/dev/null', constants.O_RDWR), ...outputs, ready];
    const [nothing = 0, ...streams] = fds.map((fd) => liftDescriptor(fd, leastDescriptor));
    const stdio = [nothing, nothing, nothing, ...streams];
    try {
      const environment = { CONTAINER_ID: containerId, CONTAINER_NAMESPACE: namespace };
      const program = await spawn({ file: path, args, directory: '/', environment, stdio });
      this.#program = program;
      void program.ended.then((end) => (this.#end = end));
      return program;
    } finally {
      for (const fd of [nothing, ...streams]) closeSync(fd);
    }
  }
}

/** For a stream that the driver does not get: one that is at its end. */
function openEnded(): number {
  const { read, write } = openPipe();
  closeSync(write);
  return read;
}
