// The stdio of a process that another shim made and left behind: its pipes are opened again through the processes that
// hold them. A terminal died with the shim that had its master.
import { closeSync, constants } from 'node:fs';
import { Socket } from 'node:net';
import type { Log } from '../../src/base/log.js';
import { messageOf } from '../../src/domain/errors.js';
import type { Stdio } from '../../src/domain/records.js';
import { openInput, type InputSource } from './input-source.js';
import type { DriverHost } from './log-driver.js';
import { OutputSinks } from './output-sinks.js';
import { openPipeHeldBy, type PipeInodes } from './pipe-inodes.js';
import { PipePump } from './pipe-pump.js';
import type { ProcessIo } from './process-io.js';
import { streamTarget } from './stream-target.js';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

export interface AdoptedIoOptions extends DriverHost {
  readonly stdio: Stdio;
  readonly inodes: PipeInodes;
  /** The container's processes, any of which may hold the pipes. */
  readonly pids: readonly number[];
  readonly log: Log;
}

export class AdoptedIo implements ProcessIo {
  readonly descriptors = undefined;
  readonly consoleSocket = undefined;
  readonly inodes: PipeInodes;
  readonly drained: Promise<void>;
  readonly #sinks: OutputSinks;
  readonly #pumps: PipePump[] = [];
  #stdin: InputSource | undefined;
  #stdinWriter: Socket | undefined;

  constructor(options: AdoptedIoOptions) {
    this.inodes = options.inodes;
    this.#sinks = new OutputSinks(options, options.log);
    for (const name of ['stdout', 'stderr'] as const) this.#adoptOutput(options, name);
    this.#adoptInput(options);
    this.drained = Promise.all(this.#pumps.map((pump) => pump.drained)).then(() => this.#sinks.ended());
  }

  prepare(): Promise<void> {
    return this.#sinks.startOrDrop();
  }

  /** Those of the dead shim's time are not known. */
  get droppedBytes(): number {
    return this.#pumps.reduce((sum, pump) => sum + pump.droppedBytes, 0);
  }

  attach(): Promise<void> {
    return Promise.resolve();
  }

  readersCame(): Promise<void> {
    return Promise.resolve();
  }

  closeStdin(): void {
    this.#stdin?.release();
  }

  resize(): void {
    // No terminal is left.
  }

  exited(): void {
    this.#stdin?.stream.destroy();
    this.#stdinWriter?.destroy();
  }

  close(): void {
    this.exited();
    for (const pump of this.#pumps) pump.close();
    this.#sinks.close();
  }

  #adoptOutput({ stdio, inodes, pids, log }: AdoptedIoOptions, name: 'stdout' | 'stderr'): void {
    const inode = inodes[name];
    const fd = inode === undefined ? undefined : openPipeHeldBy(pids, inode, O_RDONLY | O_NONBLOCK);
    if (fd === undefined) return;
    try {
      const target = streamTarget(name, stdio[name]);
      if (target.kind === 'none') throw new Error('no reader is known');
      const sink = this.#sinks.open(name, target);
      this.#pumps.push(new PipePump(fd, sink, log));
    } catch (error) {
      closeSync(fd);
      log.warn('output could not be taken over', { stream: name, error: messageOf(error) });
    }
  }

  #adoptInput({ stdio, inodes, pids, log }: AdoptedIoOptions): void {
    const fd = inodes.stdin === undefined ? undefined : openPipeHeldBy(pids, inodes.stdin, O_WRONLY | O_NONBLOCK);
    if (fd === undefined) return;
    try {
      const target = streamTarget('stdin', stdio.stdin);
      if (target.kind === 'none') throw new Error('no writer is known');
      const source = openInput(target);
      const writer = new Socket({ fd, readable: false, writable: true });
      writer.on('error', () => source.stream.destroy());
      source.stream.on('error', () => writer.end());
      source.stream.pipe(writer);
      this.#stdin = source;
      this.#stdinWriter = writer;
    } catch (error) {
      closeSync(fd);
      log.warn('input could not be taken over', { error: messageOf(error) });
    }
  }
}
