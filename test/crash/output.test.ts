// What a container writes is neither lost nor repeated when its shim is killed anywhere between the container's pipe and the
// client's file or FIFO.
import assert from 'node:assert/strict';
import { constants, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { makeFifo } from '../../src/linux/pipe.js';
import { removeContainer, runContainer, waitForExit } from '../helpers/containers.js';
import { Counter } from '../helpers/counter.js';
import { Faults, faultyDaemon } from '../helpers/faults.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd(faultyDaemon);
const limits = { limitMs: 60_000, intervalMs: 20 };
const SIGKILL = 9;

for (const point of ['shim.output-noted', 'shim.output-written']) {
  test(`a shim that dies at ${point} leaves a file in which no line is missing or doubled`, async () => {
    const id = point.replace('.', '-');
    const counter = await Counter.start(daemon(), id);
    const faults = new Faults(daemon());
    for (let round = 0; round < 3; round++) {
      const dead = counter.shimPid;
      faults.armPoint(point);
      await poll(() => !faults.isArmed(point) || undefined, { ...limits, what: 'a shim to pass the point' });
      await counter.servedByAnother(dead);
      await counter.countsOn();
    }
    await counter.kill(SIGKILL);
    assert.equal(await counter.wait(), 137);
    await counter.remove();
  });
}

test('a FIFO that is read slowly gets every line once, whoever serves it', async () => {
  const lines = 150_000;
  const script = `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo $i; done`;
  const fifo = daemon().path('fifo', 'slow');
  makeFifo(fifo, 0o600);
  let text = '';
  let pauses = 0;
  // As containerd's clients open it: its end does not come with the end of a shim.
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  const reader = new Socket({ fd, readable: true, writable: false });
  reader.setEncoding('utf8');
  reader.on('data', (piece: string) => {
    text += piece;
    if (++pauses % 20 !== 0) return;
    reader.pause();
    setTimeout(() => reader.resume(), 5);
  });
  await runContainer(daemon(), 'slow', ['/bin/sh', '-c', script], { stdout: fifo });
  const pidFile = join(daemon().state, 'tasks', daemon().namespace, 'slow', 'shim.pid');
  for (let round = 0; round < 3; round++) {
    const before = text.length;
    await poll(() => text.length > before || undefined, { ...limits, what: 'some output' });
    const dead = readFileSync(pidFile, 'utf8');
    process.kill(Number(dead), 'SIGKILL');
    await poll(() => readFileSync(pidFile, 'utf8') !== dead || undefined, { ...limits, what: 'another shim' });
  }
  assert.equal(await waitForExit(daemon(), 'slow'), 0);
  await poll(() => text.endsWith(`\n${lines}\n`) || undefined, { ...limits, what: 'the last line' });
  const numbers = text.split('\n').slice(0, -1).map(Number);
  assert.equal(
    numbers.findIndex((number, index) => number !== index + 1),
    -1,
  );
  assert.equal(numbers.length, lines);
  await removeContainer(daemon(), 'slow');
  reader.destroy();
});
