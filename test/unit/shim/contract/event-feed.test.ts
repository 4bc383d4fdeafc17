// The way of events to containerd: their order, and what becomes of them while containerd is away or refuses them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ExitJournal } from '../../../../shim/exit-journal.js';
import { EventFeed } from '../../../../shim/contract/event-feed.js';
import { EventPublisher, maxQueuedEvents } from '../../../../shim/contract/event-publisher.js';
import { taskEvent } from '../../../../shim/contract/task-event.js';
import { poll } from '../../../../src/base/deadline.js';
import { BerthError } from '../../../../src/domain/errors.js';
import { TaskPaused, TaskStart } from '../../../../src/generated/containerd/events/task.js';
import { EventsDefinition } from '../../../../src/generated/containerd/services/events/ttrpc/v1/events.js';
import type { Envelope } from '../../../../src/generated/containerd/types/event.js';
import { implement, serveTtrpc, type TtrpcServer } from '../../../../src/ttrpc/server.js';
import { quietLog } from '../../../helpers/quiet-log.js';

const limits = { limitMs: 10_000, intervalMs: 5 };
const drainMs = 10_000;

let directory = '';
let address = '';
let journal: ExitJournal;
let publisher: EventPublisher;
let feed: EventFeed;
let containerd: Containerd | undefined;

/** Takes events as containerd does, where it listens. */
class Containerd {
  readonly received: Envelope[] = [];
  refusal: BerthError | undefined;
  readonly #server: TtrpcServer = serveTtrpc({
    services: [
      implement(EventsDefinition, {
        forward: async ({ envelope }) => {
          if (this.refusal !== undefined) throw this.refusal;
          if (envelope !== undefined) this.received.push(envelope);
          return {};
        },
      }),
    ],
  });
  #listener: Server | undefined;

  async start(): Promise<void> {
    this.#listener = createServer((socket) => this.#server.accept(socket)).listen(address);
    await once(this.#listener, 'listening');
  }

  async stop(): Promise<void> {
    this.#listener?.close();
    await this.#server.close();
  }

  get topics(): string[] {
    return this.received.map(({ topic }) => topic);
  }

  async topicsOnce(count: number): Promise<string[]> {
    return await poll(() => (this.received.length >= count ? this.topics : undefined), { ...limits, what: 'events' });
  }
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-feed-'));
  address = join(directory, 'ttrpc.sock');
  journal = new ExitJournal(join(directory, 'exits'), quietLog);
  publisher = new EventPublisher({ address, namespace: 'n', log: quietLog });
  feed = new EventFeed(publisher, journal);
});

afterEach(async () => {
  await publisher.drain(drainMs);
  await containerd?.stop();
  journal.close();
  rmSync(directory, { recursive: true });
});

async function startContainerd(): Promise<Containerd> {
  containerd = new Containerd();
  await containerd.start();
  return containerd;
}

function exitOf(execId: string, status = 0): void {
  const exit = { pid: 5, status, signal: 0, exitedAt: 1_000_000_007n, provenance: 'waited', oomKilled: false } as const;
  journal.append([{ containerId: 'c', execId, exit }]);
}

function paused() {
  return taskEvent('/tasks/paused', 'TaskPaused', TaskPaused, { containerId: 'c' });
}

async function start(execId: string, during: () => void): Promise<void> {
  const started = taskEvent('/tasks/start', 'TaskStart', TaskStart, { containerId: 'c', pid: 5 });
  await feed.birth(
    execId,
    async () => during(),
    () => started,
  );
}

test('an exit that comes before the start has returned is told after the start', async () => {
  const server = await startContainerd();
  await start('', () => exitOf(''));
  assert.deepEqual(await server.topicsOnce(2), ['/tasks/start', '/tasks/exit']);
});

test('the exit of a process whose start failed is told all the same', async () => {
  const server = await startContainerd();
  const failed = feed.birth(
    '',
    () => {
      exitOf('');
      return Promise.reject(new Error('no start'));
    },
    paused,
  );
  await assert.rejects(failed);
  assert.deepEqual(await server.topicsOnce(1), ['/tasks/exit']);
});

test('the exit of one process does not wait for the start of another', async () => {
  const server = await startContainerd();
  await start('', () => undefined);
  await start('slow', () => exitOf('quick'));
  assert.deepEqual(await server.topicsOnce(3), ['/tasks/start', '/tasks/exit', '/tasks/start']);
});

test('what is told after an exit comes after it, with the time of each, and notices of lost memory first', async () => {
  const server = await startContainerd();
  journal.append([{ containerId: 'c', outOfMemoryAt: 3n }]);
  exitOf('', 137);
  feed.tell(paused());
  assert.deepEqual(await server.topicsOnce(3), ['/tasks/oom', '/tasks/exit', '/tasks/paused']);
  assert.deepEqual(server.received[1]?.timestamp, { seconds: 1n, nanos: 7 });
  assert.deepEqual(
    server.received.map(({ namespace }) => namespace),
    ['n', 'n', 'n'],
  );
});

test('events wait for a containerd that is away, and come in their order', async () => {
  await start('', () => undefined);
  exitOf('', 9);
  const server = await startContainerd();
  assert.deepEqual(await server.topicsOnce(2), ['/tasks/start', '/tasks/exit']);
});

test('what containerd has need not be kept, but for the end of init, for which delete may ask', async () => {
  exitOf('e1');
  exitOf('');
  journal.sync();
  assert.equal(journal.after(0n).length, 2);
  await startContainerd();
  await publisher.drain(drainMs);
  assert.deepEqual(
    journal.after(0n).map(({ sequence }) => sequence),
    [2n],
  );
});

test('a containerd that comes back on the same address gets what came meanwhile', async () => {
  const first = await startContainerd();
  feed.tell(paused());
  await first.topicsOnce(1);
  await first.stop();
  exitOf('');
  const second = await startContainerd();
  assert.deepEqual(await second.topicsOnce(1), ['/tasks/exit']);
});

test('an event that containerd refuses for what it is does not hold up those after it', async () => {
  const server = await startContainerd();
  server.refusal = new BerthError('invalid-argument', 'no such topic');
  feed.tell(paused());
  await publisher.drain(drainMs);
  server.refusal = undefined;
  exitOf('');
  assert.deepEqual(await server.topicsOnce(1), ['/tasks/exit']);
});

test('of events that nobody takes only so many are kept, and no exit is among those dropped', async () => {
  for (let count = 0; count < maxQueuedEvents + 10; count++) feed.tell(paused());
  exitOf('');
  const server = await startContainerd();
  const topics = await server.topicsOnce(maxQueuedEvents + 1);
  assert.equal(topics.length, maxQueuedEvents + 1);
  assert.equal(topics.at(-1), '/tasks/exit');
});
