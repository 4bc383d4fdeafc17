// What a client in the foreground does to its process: signals, the end of its input, its terminal's size. What cannot be
// delivered is told by the process's end, or by the connection's.
import { TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import type { Connection } from './connection.js';
import type { TerminalSize } from './stdio/terminal.js';
import type { ProcessIds } from './wait-for-exit.js';

export class ProcessControl {
  readonly #connection: Connection;
  readonly #ids: ProcessIds;

  constructor(connection: Connection, { containerId, execId }: ProcessIds) {
    this.#connection = connection;
    this.#ids = { containerId, execId };
  }

  async kill(signal: number): Promise<void> {
    await this.#connection.unary(TasksService.kill, { ...this.#ids, signal, all: false }).catch(() => undefined);
  }

  async closeStdin(): Promise<void> {
    await this.#connection.unary(TasksService.closeIo, { ...this.#ids, stdin: true }).catch(() => undefined);
  }

  async resize(size: TerminalSize | undefined): Promise<void> {
    if (size === undefined) return;
    await this.#connection.unary(TasksService.resizePty, { ...this.#ids, ...size }).catch(() => undefined);
  }
}
