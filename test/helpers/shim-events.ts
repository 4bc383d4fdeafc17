// What a shim tells on its event stream, without ever acknowledging it.
import { poll } from '../../src/base/deadline.js';
import { ShimDefinition, type EventsRequest, type ShimEvent } from '../../src/generated/berth/shim/v1/shim.js';
import type { TestShim } from './use-shim.js';

const limits = { limitMs: 20_000, intervalMs: 5 };

export class ShimEvents {
  readonly events: ShimEvent[] = [];

  /** Of every event there is, and all to come until the shim ends. */
  static async follow(shim: TestShim): Promise<ShimEvents> {
    const follower = new ShimEvents();
    const connection = await shim.connect();
    const stream = connection.client(ShimDefinition).events(requests());
    void (async () => {
      for await (const event of stream) follower.events.push(event);
    })().catch(() => undefined);
    return follower;
  }

  /** A word for each: `oom`, or who ended how: `init 137 oom-killed`, `e1 0`. */
  get story(): string[] {
    return this.events.map(({ body }) => {
      if (body?.$case !== 'exit') return body?.$case ?? 'nothing';
      const { execId, exitStatus, oomKilled } = body.value;
      return `${execId === '' ? 'init' : execId} ${exitStatus}${oomKilled ? ' oom-killed' : ''}`;
    });
  }

  /** Waits until as many have come, and gives the story. */
  async expect(count: number): Promise<string[]> {
    await poll(() => (this.events.length >= count ? true : undefined), { ...limits, what: `${count} events` });
    return this.story;
  }
}

async function* requests(): AsyncGenerator<EventsRequest> {
  yield { request: { $case: 'after', value: 0n } };
  await new Promise(() => undefined);
}
