// The events of a foreign shim that wait to be taken in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/domain/errors.js';
import { EventInbox, EventInboxes, type ForeignEvent } from '../../../src/shims/foreign/event-inbox.js';

const key = { namespace: 'n', id: 'c' };

function notice(seconds: number): ForeignEvent {
  return { kind: 'oom', containerId: key.id, time: { seconds: BigInt(seconds), nanos: 0 } };
}

test('events are taken out in the order they came in, and each teller is answered by who took it', async () => {
  const inbox = new EventInbox();
  const told = [1, 2, 3].map((second) => inbox.deliver(notice(second)));
  inbox.close();
  const seconds: bigint[] = [];
  for await (const { event, taken } of inbox) {
    seconds.push(event.time?.seconds ?? 0n);
    if (seconds.length === 2) taken.reject(new Error('not committed'));
    else taken.resolve();
  }
  assert.deepEqual(seconds, [1n, 2n, 3n]);
  const outcomes = await Promise.allSettled(told);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});

test('what nobody takes out any more is unavailable, so that the shim sends it again', async () => {
  const inbox = new EventInbox();
  const waiting = inbox.deliver(notice(1));
  inbox.abandon();
  for (const refused of [waiting, inbox.deliver(notice(2))]) {
    await assert.rejects(refused, (error) => isBerthError(error, 'unavailable'));
  }
});

test('a shim that tells without end is refused at a bound', async () => {
  const inbox = new EventInbox();
  const waiting = Array.from({ length: 1024 }, (_, second) => inbox.deliver(notice(second)));
  await assert.rejects(inbox.deliver(notice(2000)), (error) => isBerthError(error, 'resource-exhausted'));
  inbox.abandon();
  assert.equal((await Promise.allSettled(waiting)).length, 1024);
});

test('a shim is shared while another container has an inbox of it', () => {
  const inboxes = new EventInboxes();
  const first = inboxes.open(key, 'shim');
  assert.equal(inboxes.isShared('shim', key), false);
  const other = { namespace: 'n', id: 'd' };
  const second = inboxes.open(other, 'shim');
  assert.equal(inboxes.isShared('shim', key), true);
  inboxes.remove(other, second);
  assert.equal(inboxes.isShared('shim', key), false);
  inboxes.remove(key, first);
  assert.equal(inboxes.find(key), undefined);
});
