// The daemon's side of a shim's event stream: first the cursor, then the newest acknowledgement whenever there is one.
// Only the highest counts, so one slot is all the memory it needs.
import type { EventsRequest } from '../generated/berth/shim/v1/shim.js';

export class AcknowledgementQueue implements AsyncIterable<EventsRequest> {
  readonly #after: bigint;
  #acknowledged: bigint | undefined;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(after: bigint) {
    this.#after = after;
  }

  acknowledge(sequence: bigint): void {
    this.#acknowledged = sequence;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EventsRequest, void, undefined> {
    yield { request: { $case: 'after', value: this.#after } };
    while (!this.#ended) {
      const sequence = this.#acknowledged;
      if (sequence === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#acknowledged = undefined;
      yield { request: { $case: 'acknowledged', value: sequence } };
    }
  }
}
