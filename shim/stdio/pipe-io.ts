// Stdio without a terminal: a pipe for each stream the client wants, /dev/null for the others. The client's FIFO is never
// handed to the container: what a client does with it must not reach the workload, and CRIU cannot dump it.
import { closeSync, constants, fchownSync, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { openPipe } from '../../src/linux/pipe.js';
import type { Descriptors } from '../../src/runc/runc.js';
import { openInput, type InputSource } from './input-source.js';
import type { OutputSink } from './output-sink.js';
import { OutputSinks } from './output-sinks.js';
import type { PipeInodes } from './pipe-inodes.js';
import { PipePump } from './pipe-pump.js';
import type { IoOptions, ProcessIo } from './process-io.js';
import { streamTarget, type StreamTarget } from './stream-target.js';

interface OutputEnd {
  readonly fd: number;
  readonly sink: OutputSink;
}

export class PipeIo implements ProcessIo {
  readonly consoleSocket = undefined;
  readonly descriptors: Descriptors;
  readonly inodes: PipeInodes;
  readonly drained: Promise<void>;
  #drain: (drained: Promise<void>) => void = () => undefined;
  readonly #options: IoOptions;
  readonly #sinks: OutputSinks;
  /** Ends that the container's process holds once it is there. */
  readonly #theirs: number[] = [];
  /** Ours, until a stream has taken them. */
  readonly #outputs: OutputEnd[] = [];
  #stdin: { readonly fd: number; readonly source: InputSource } | undefined;
  #stdinWriter: Socket | undefined;
  #pumps: PipePump[] = [];
  #attached = false;
  #closed = false;

  constructor(options: IoOptions) {
    this.#options = options;
    this.#sinks = new OutputSinks(options, options.log);
    this.drained = new Promise((resolve) => {
      this.#drain = resolve;
    });
    try {
      const { stdin, stdout, stderr } = options.stdio;
      this.descriptors = [
        this.#openStdin(streamTarget('stdin', stdin)),
        this.#openOutput('stdout', streamTarget('stdout', stdout)),
        this.#openOutput('stderr', streamTarget('stderr', stderr)),
      ];
      this.inodes = pipeInodesOf(this.descriptors);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  prepare(): Promise<void> {
    return this.#sinks.start();
  }

  attach(): Promise<void> {
    this.#attached = true;
    this.#closeTheirs();
    this.#pumps = this.#outputs.map(({ fd, sink }) => new PipePump(fd, sink, this.#options.log));
    this.#drain(Promise.all(this.#pumps.map((pump) => pump.drained)).then(() => this.#sinks.ended()));
    if (this.#stdin !== undefined) this.#pumpStdin(this.#stdin.fd, this.#stdin.source);
    return Promise.resolve();
  }

  get droppedBytes(): number {
    return this.#outputs.reduce((sum, { sink }) => sum + sink.droppedBytes, 0);
  }

  async readersCame(): Promise<void> {
    await Promise.all(this.#outputs.map(({ sink }) => sink.readerCame()));
  }

  closeStdin(): void {
    this.#stdin?.source.release();
  }

  resize(): void {
    // No terminal, nothing to do.
  }

  exited(): void {
    this.#stdin?.source.stream.destroy();
    this.#stdinWriter?.destroy();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeTheirs();
    this.exited();
    if (this.#attached) {
      for (const pump of this.#pumps) pump.close();
      this.#sinks.close();
      return;
    }
    if (this.#stdin !== undefined) closeSync(this.#stdin.fd);
    for (const { fd, sink } of this.#outputs) {
      closeSync(fd);
      sink.close();
    }
    this.#sinks.close();
    this.#drain(Promise.resolve());
  }

  #openStdin(target: StreamTarget): number {
    if (target.kind === 'none') return this.#openNull();
    const source = openInput(target);
    const { read, write } = this.#openPipe(() => source.stream.destroy());
    this.#stdin = { fd: write, source };
    return this.#give(read);
  }

  #openOutput(name: 'stdout' | 'stderr', target: StreamTarget): number {
    if (target.kind === 'none') return this.#openNull();
    const sink = this.#sinks.open(name, target);
    const { read, write } = this.#openPipe(() => sink.close());
    this.#outputs.push({ fd: read, sink });
    return this.#give(withReadEnd(write));
  }

  #openPipe(undo: () => void): { readonly read: number; readonly write: number } {
    try {
      return openPipe();
    } catch (error) {
      undo();
      throw error;
    }
  }

  #openNull(): number {
    const fd = openSync('/dev/null', constants.O_RDWR);
    this.#theirs.push(fd);
    return fd;
  }

  #give(fd: number): number {
    this.#theirs.push(fd);
    fchownSync(fd, this.#options.uid, this.#options.gid);
    return fd;
  }

  #closeTheirs(): void {
    for (const fd of this.#theirs.splice(0)) closeSync(fd);
  }

  #pumpStdin(fd: number, source: InputSource): void {
    const writer = new Socket({ fd, readable: false, writable: true });
    this.#stdinWriter = writer;
    // EPIPE: the process does not read any more, so nobody needs to write.
    writer.on('error', () => source.stream.destroy());
    source.stream.on('error', (error) => {
      this.#options.log.warn('reading stdin failed', { error: error.message });
      writer.end();
    });
    source.stream.pipe(writer);
  }
}

/**
 * The write end opened again for both: a process that holds it reads its own pipe's other end open, so that the death of
 * this shim costs it no EPIPE, and the next shim finds what was written meanwhile.
 */
function withReadEnd(write: number): number {
  try {
    return openSync(`/proc/self/fd/${write}`, constants.O_RDWR);
  } finally {
    closeSync(write);
  }
}

function pipeInodesOf([stdin, stdout, stderr]: Descriptors): PipeInodes {
  const inodes: { stdin?: number; stdout?: number; stderr?: number } = {};
  for (const [name, fd] of Object.entries({ stdin, stdout, stderr })) {
    const stat = fstatSync(fd);
    if (stat.isFIFO()) inodes[name as keyof typeof inodes] = stat.ino;
  }
  return inodes;
}
