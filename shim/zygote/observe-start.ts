// How the zygote learns which pages a start touches: it forks a shim, and a client that has it start a container of the
// pretended runtime, and looks at the shim when that is done. The zygote itself only waits: what it wrote to meanwhile would
// look like something that the shim has written to.
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { poll } from '../../src/base/deadline.js';
import { endChild, forkNode } from '../../src/linux/fork.js';
import { openPipe } from '../../src/linux/pipe.js';
import { ownChildren } from '../../src/linux/process-info.js';
import { type TouchedPages, touchedPages } from '../../src/linux/touched-pages.js';
import { waitReadable } from '../../src/linux/wait-readable.js';
import { dialTtrpc, type TtrpcConnection } from '../../src/ttrpc/client.js';
import { becomeShim } from './become-shim.js';
import { id, makeBundle, play } from './pretended-container.js';

/** It takes a fifth of a second; a machine under heavy load gets ten times that. */
const limitMs = 2000;
const connectTimeoutMs = 500;
const pollMs = 2;

/** What a child is to do instead of all that its parent does. It never ends by itself. */
export type Part = () => Promise<never>;

/**
 * In the zygote, which has no other children, the pages that the shim has touched; in each of the two children its part. Works
 * in `directory`, which is made for it and removed. Throws where there is no started container in time.
 */
export function observeStart(directory: string, channel: number): TouchedPages | Part {
  makeBundle(directory);
  const actors = forkActors(directory, channel);
  // In a child.
  if (typeof actors === 'function') return actors;
  const { shim, started } = actors;
  try {
    if (!hasByte(started)) throw new Error('no container has been started');
    return touchedPages(shim);
  } finally {
    closeSync(started);
    endChildren();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Actors {
  /** Its pid. */
  readonly shim: number;
  /** The client says here that the container has been started. */
  readonly started: number;
}

function forkActors(directory: string, channel: number): Actors | Part {
  const { read: started, write } = openPipe();
  try {
    // First the client: what the zygote writes to between two forks, the one forked before has to itself from then on.
    const client = forkNode();
    if (typeof client === 'string') return async () => await beClient(directory, write);
    client.release('go');
    const shim = forkNode();
    if (typeof shim === 'string') return async () => await beShim(directory, channel);
    closeSync(write);
    shim.release('go');
    return { shim: shim.pid, started };
  } catch (error) {
    endChildren();
    throw error;
  }
}

async function beShim(bundle: string, channel: number): Promise<never> {
  // berthd is told nothing of it, and failpoints are for shims with a container.
  closeSync(channel);
  delete process.env['BERTH_FAILPOINT'];
  await becomeShim({ namespace: id, id, bundle, debug: false }, openSync('/dev/null', 'w'));
  return await forEver();
}

async function beClient(bundle: string, started: number): Promise<never> {
  const connection = await poll(async () => await dial(join(bundle, 'shim.sock')), {
    limitMs,
    intervalMs: pollMs,
    what: 'a shim that serves',
  });
  await play(connection, bundle, async () => {
    writeSync(started, '+');
    await forEver();
  });
  return await forEver();
}

async function dial(socket: string): Promise<TtrpcConnection | undefined> {
  return await dialTtrpc(socket, { timeoutMs: connectTimeoutMs }).catch(() => undefined);
}

/** Until it is killed, which a timer lets it wait for. */
async function forEver(): Promise<never> {
  setInterval(() => undefined, limitMs);
  return await new Promise<never>(() => undefined);
}

/** False when none comes. */
function hasByte(fd: number): boolean {
  return waitReadable([fd], limitMs).length > 0 && readSync(fd, Buffer.alloc(1)) === 1;
}

/** And theirs, which become ours. */
function endChildren(): void {
  for (let children = ownChildren(); children.length > 0; children = ownChildren()) {
    for (const pid of children) endChild(pid);
  }
}
