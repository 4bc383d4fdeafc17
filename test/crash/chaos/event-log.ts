// A subscriber that goes on by its cursor whenever the daemon is back, and so must see every event once.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Event, EventsService } from '../../../src/generated/berth/v1/events.js';
import { TaskExit } from '../../../src/generated/containerd/events/task.js';
import type { TestDaemon } from '../../helpers/daemon.js';

const reconnectPauseMs = 50;

export interface SeenExit {
  readonly container: string;
  readonly process: string;
  readonly status: number;
}

export class EventLog {
  readonly exits: SeenExit[] = [];
  /** Numbers that did not follow the one before; there must be none. */
  readonly breaks: string[] = [];
  readonly #daemon: TestDaemon;
  #last = 0n;
  #cutOff: () => void = () => undefined;
  #ended = false;

  constructor(daemon: TestDaemon) {
    this.#daemon = daemon;
  }

  get last(): bigint {
    return this.#last;
  }

  /** Follows the journal until `stop`. */
  async follow(): Promise<void> {
    while (!this.#ended) {
      const request = { after: this.#last, since: undefined, filters: [], follow: true };
      const stream = this.#daemon.stream(EventsService.subscribe, request, {});
      let taken = 0;
      const take = (): void => {
        for (const { entry } of stream.received.slice(taken)) {
          taken++;
          if (entry?.$case === 'event') this.#take(entry.value);
          else this.breaks.push(`gap after ${this.#last}`);
        }
      };
      const over = new AbortController();
      this.#cutOff = () => over.abort();
      void stream.ended.then(() => over.abort());
      while (!over.signal.aborted && !this.#ended) {
        take();
        await sleep(reconnectPauseMs);
      }
      take();
      stream.cancel();
    }
  }

  /** The subscriber loses its stream, and goes on with another. */
  cutOff(): void {
    this.#cutOff();
  }

  stop(): void {
    this.#ended = true;
  }

  #take({ number, topic, event }: Event): void {
    if (number !== this.#last + 1n) this.breaks.push(`${number} after ${this.#last}`);
    this.#last = number;
    if (topic !== '/tasks/exit' || event === undefined) return;
    const { containerId, id, exitStatus } = TaskExit.decode(event.value);
    this.exits.push({ container: containerId, process: id, status: exitStatus });
  }
}
