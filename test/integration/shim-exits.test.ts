// The shim's exits: none lost, in order, on disk before they are told, told again until acknowledged.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { parseExitJournal } from '../../src/domain/exit-journal.js';
import { ShimDefinition, type EventsRequest, type ShimEvent } from '../../src/generated/berth/shim/v1/shim.js';
import { Provenance } from '../../src/generated/berth/v1/provenance.js';
import { hasEnded } from '../helpers/host-state.js';
import { containerId as id, useShim } from '../helpers/use-shim.js';
import { untilItTrapsTerm } from '../helpers/traps.js';

const shim = useShim();
const SIGKILL = 9;
const limits = { limitMs: 20_000, intervalMs: 5 };

/** A client of the event stream on its own connection. */
class Follower {
  readonly events: ShimEvent[] = [];
  readonly #acknowledgements: bigint[] = [];
  #wake: () => void = () => undefined;
  #close: () => Promise<void> = () => Promise.resolve();

  static async follow(after: bigint): Promise<Follower> {
    const follower = new Follower();
    const connection = await shim().connect();
    follower.#close = () => connection.close();
    const stream = connection.client(ShimDefinition).events(follower.#requests(after));
    void (async () => {
      for await (const event of stream) follower.events.push(event);
    })().catch(() => undefined);
    return follower;
  }

  /** Of the exits told so far, the exec ids. */
  get execIds(): string[] {
    return this.events.map((event) => (event.body?.$case === 'exit' ? event.body.value.execId : 'no exit'));
  }

  acknowledge(sequence: bigint): void {
    this.#acknowledgements.push(sequence);
    this.#wake();
  }

  async expect(count: number): Promise<void> {
    await poll(() => (this.events.length >= count ? true : undefined), { ...limits, what: `${count} events` });
    assert.equal(this.events.length, count);
  }

  close(): Promise<void> {
    return this.#close();
  }

  async *#requests(after: bigint): AsyncGenerator<EventsRequest> {
    yield { request: { $case: 'after', value: after } };
    for (;;) {
      const next = this.#acknowledgements.shift();
      if (next === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else yield { request: { $case: 'acknowledged', value: next } };
    }
  }
}

test('exits are numbered from 1, live and replayed, until they are acknowledged', async () => {
  await shim().run(['/bin/sleep', '600']);
  const live = await Follower.follow(0n);
  for (const execId of ['a', 'b', 'c']) {
    await shim().exec(execId, ['/bin/sh', '-c', 'exit 4']);
    await shim().wait(execId);
  }
  await live.expect(3);
  assert.deepEqual(live.execIds, ['a', 'b', 'c']);
  assert.deepEqual(
    live.events.map((event) => event.sequence),
    [1n, 2n, 3n],
  );
  const body = live.events[0]?.body;
  assert.ok(body?.$case === 'exit');
  assert.deepEqual([body.value.containerId, body.value.exitStatus, body.value.signal], [id, 4, 0]);
  assert.equal(body.value.provenance, Provenance.WAITED);
  await live.close();

  const again = await Follower.follow(0n);
  await again.expect(3);
  again.acknowledge(2n);
  const late = await Follower.follow(2n);
  await late.expect(1);
  assert.deepEqual(late.execIds, ['c']);
  // Once the acknowledgement has arrived, what it covers is not told again.
  await poll(
    async () => {
      const fresh = await Follower.follow(0n);
      await poll(() => (fresh.events.length > 0 ? true : undefined), { ...limits, what: 'a replay' });
      const first = fresh.execIds[0];
      await fresh.close();
      return first === 'c' ? true : undefined;
    },
    { ...limits, what: 'the acknowledged to be gone' },
  );
  await shim().kill(SIGKILL);
  await again.expect(4);
  assert.equal(again.events[3]?.sequence, 4n);
});

test('an exit is in the journal on disk when it is told', async () => {
  const pid = await shim().run(['/bin/sh', '-c', 'exit 9']);
  const { exitedAt } = await shim().wait();
  const records = parseExitJournal(readFileSync(join(shim().bundle, 'exits'), 'utf8'));
  const time = (exitedAt?.seconds ?? 0n) * 1_000_000_000n + BigInt(exitedAt?.nanos ?? 0);
  const exit = { pid, status: 9, signal: 0, exitedAt: time, provenance: 'waited', oomKilled: false };
  assert.deepEqual(records, [{ sequence: 1n, containerId: id, execId: '', exit }]);
});

test('a stream that does not begin with its cursor is refused', async () => {
  const connection = await shim().connect();
  const stream = connection.client(ShimDefinition).events(acknowledgementOnly());
  await assert.rejects(stream.next(), { kind: 'invalid-argument' });
});

test('a hundred short execs, several at once, each have their one exit', async () => {
  await shim().run(['/bin/sleep', '600']);
  const follower = await Follower.follow(0n);
  const one = async (index: number): Promise<void> => {
    await shim().exec(`e${index}`, ['/bin/sh', '-c', `exit ${index}`]);
    assert.equal((await shim().wait(`e${index}`)).exitStatus, index);
    await shim().delete(`e${index}`);
  };
  const queue = Array.from({ length: 100 }, (_, index) => index);
  const worker = async (): Promise<void> => {
    for (let index = queue.shift(); index !== undefined; index = queue.shift()) await one(index);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  await follower.expect(100);
  assert.equal(new Set(follower.execIds).size, 100);
  assert.deepEqual(
    follower.events.map((event) => event.sequence),
    Array.from({ length: 100 }, (_, i) => BigInt(i + 1)),
  );
});

test('a container that exits while its start returns is not lost', async () => {
  for (let round = 0; round < 10; round++) {
    await shim().run(['/bin/true']);
    assert.equal((await shim().wait()).exitStatus, 0);
    await shim().delete();
  }
});

test('init’s exit comes after those of its execs', async () => {
  await shim().run(['/bin/sleep', '600']);
  for (const execId of ['a', 'b']) await shim().exec(execId, ['/bin/sleep', '600']);
  const follower = await Follower.follow(0n);
  await shim().kill(SIGKILL);
  await follower.expect(3);
  assert.deepEqual(follower.execIds.slice(0, 2).sort(), ['a', 'b']);
  assert.equal(follower.execIds[2], '');
});

test('in the host’s pid namespace, init’s end ends the rest first, and strays are reaped', async () => {
  // The subshell orphans a sleep to the shim; the exec outlives init until it is killed.
  const script = '(sleep 600 & sleep 0.01 &) ; read wait < /dev/zero';
  await shim().run(['/bin/sh', '-c', `${script}; sleep 600`], {}, { hostPid: true });
  await shim().exec('e1', ['/bin/sleep', '600']);
  const follower = await Follower.follow(0n);
  const { processes } = await shim().task.pids({ id });
  assert.ok(processes.length >= 3, `${processes.length} processes`);
  await poll(() => (zombieChildren(shim().pid) === 0 ? true : undefined), { ...limits, what: 'no zombies' });
  await shim().kill(SIGKILL);
  await follower.expect(2);
  assert.deepEqual(follower.execIds, ['e1', '']);
  for (const { pid } of processes) assert.ok(hasEnded(pid), `process ${pid} is left`);
  await poll(() => (zombieChildren(shim().pid) === 0 ? true : undefined), { ...limits, what: 'no zombies' });
  assert.equal((await shim().wait('e1')).exitStatus, 137);
});

test('killing all signals every process, whoever started it', async () => {
  const script = 'trap "exit 3" TERM; sleep 600 & while :; do sleep 0.02; done';
  await untilItTrapsTerm(await shim().run(['/bin/sh', '-c', script]));
  await shim().exec('e1', ['/bin/sleep', '600']);
  await shim().kill(15, '', true);
  assert.equal((await shim().wait('e1')).exitStatus, 143);
  assert.equal((await shim().wait()).exitStatus, 3);
});

async function* acknowledgementOnly(): AsyncGenerator<EventsRequest> {
  yield { request: { $case: 'acknowledged', value: 1n } };
}

function zombieChildren(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return children.filter((child) => hasEnded(Number(child))).length;
}
