// How the zygote learns which pages a start touches: it forks a shim, and a client that has it start a container of the
// pretended runtime, and looks at the shim when that is done. The zygote itself only waits: what it wrote to meanwhile would
// look like something that the shim has written to.
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { poll } from '../../src/base/deadline.js';
import { isBerthError } from '../../src/domain/errors.js';
import { dieWithParent } from '../../src/linux/die-with-parent.js';
import { endChild, exitNow, forkNode, type WaitingChild } from '../../src/linux/fork.js';
import { openPipe, type PipeEnds } from '../../src/linux/pipe.js';
import { ownChildren } from '../../src/linux/process-info.js';
import { type TouchedPages, touchedPages } from '../../src/linux/touched-pages.js';
import { waitReadable } from '../../src/linux/wait-readable.js';
import { dialTtrpc, type TtrpcConnection } from '../../src/ttrpc/client.js';
import { becomeShim } from './become-shim.js';
import { makeBundle, play, pretendedId } from './pretended-container.js';

/** It takes a tenth of a second; a machine under heavy load gets fifty times that. */
const limitMs = 5000;
const connectTimeoutMs = 500;
const pollMs = 2;
const failureExitCode = 1;

/** What a child is to do instead of all that its parent does. It ends with its parent at the latest. */
export type Part = () => Promise<never>;

/**
 * In the zygote, which has no other children, the pages that the shim has touched; in each of the two children its part. Works
 * in `directory`, which is made for it and removed. Throws where there is no started container in time.
 */
export function observeStart(directory: string, channel: number): TouchedPages | Part {
  const zygote = process.pid;
  const children: WaitingChild[] = [];
  let isChild = false;
  const fork = (work: () => Promise<void>): Part | WaitingChild => {
    const forked = forkNode();
    isChild = typeof forked === 'string';
    if (typeof forked === 'string') return () => act(zygote, channel, work);
    children.push(forked);
    forked.release('act');
    return forked;
  };
  makeBundle(directory);
  // Whoever clears up after a zygote knows what it has left by where it works.
  process.chdir(directory);
  const started = openPipe();
  const open = new Set([started.read, started.write]);
  try {
    // First the client: what the zygote writes to between two forks, the one forked before has to itself from then on.
    const client = fork(() => beClient(started));
    if (typeof client === 'function') return client;
    const shim = fork(() => beShim(directory, started));
    if (typeof shim === 'function') return shim;
    // With the client's end of it the pipe ends.
    open.delete(started.write);
    closeSync(started.write);
    if (!hasByte(started.read)) throw new Error('no container has been started');
    return touchedPages(shim.pid);
  } finally {
    if (!isChild) {
      for (const end of open) closeSync(end);
      for (const { pid } of children) endChild(pid);
      endChildren();
      process.chdir('/');
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** In a child. */
async function act(zygote: number, channel: number, work: () => Promise<void>): Promise<never> {
  dieWithParent(zygote);
  // berthd is told nothing of this, and failpoints are for shims with a container.
  closeSync(channel);
  delete process.env['BERTH_FAILPOINT'];
  // The zygote sees that nothing comes of it.
  await work().catch(() => exitNow(failureExitCode));
  return await forEver();
}

async function beShim(bundle: string, started: PipeEnds): Promise<void> {
  for (const end of [started.read, started.write]) closeSync(end);
  await becomeShim({ namespace: pretendedId, id: pretendedId, bundle, debug: false }, openSync('/dev/null', 'w'));
}

/** The client says at the pipe that the container has been started. */
async function beClient(started: PipeEnds): Promise<void> {
  const connection = await poll(dial, { limitMs, intervalMs: pollMs, what: 'a shim that serves' });
  await play(connection, process.cwd(), async () => {
    writeSync(started.write, '+');
    await forEver();
  });
}

async function dial(): Promise<TtrpcConnection | undefined> {
  try {
    return await dialTtrpc('shim.sock', { timeoutMs: connectTimeoutMs });
  } catch (error) {
    if (!isBerthError(error, 'unavailable')) throw error;
    return undefined;
  }
}

/** A timer has it wait. */
async function forEver(): Promise<never> {
  setInterval(() => undefined, limitMs);
  return await new Promise<never>(() => undefined);
}

/** False when none comes. */
function hasByte(fd: number): boolean {
  return waitReadable([fd], limitMs).length > 0 && readSync(fd, Buffer.alloc(1)) === 1;
}

/** Those that the children have left. */
function endChildren(): void {
  for (let children = ownChildren(); children.length > 0; children = ownChildren()) {
    for (const pid of children) endChild(pid);
  }
}
