// The zygote's program: loads and warms up all that a shim needs, then forks shims for berthd, which holds the other end
// of descriptor 3. docs/adr/0010-zygote-and-memory.md has the why of every step.
import { join } from 'node:path';
import { messageOf } from '../../src/domain/errors.js';
import { prepareFork } from '../../src/linux/fork.js';
import { plugHeap } from '../../src/linux/plug-heap.js';
import { becomeSubreaper } from '../../src/linux/subreaper.js';
import { becomeShim } from './become-shim.js';
import { rehearse } from './rehearse.js';
import { report, serveForks } from './serve-forks.js';
import { learnStartPages, StartPages } from './start-pages.js';

const channel = 3;
/** Its own: the zygote of a daemon that was killed may still be at its rehearsal. */
const directory = join(process.argv[2] ?? '', String(process.pid));

void main();

async function main(): Promise<void> {
  process.title = 'berth-zygote';
  becomeSubreaper();
  const failures: string[] = [];
  const fail = (error: unknown): void => void failures.push(messageOf(error));
  await rehearse(directory).catch(fail);
  prepareFork();
  settle();
  const learnt = learn(fail);
  // In a child that was forked to learn from.
  if (typeof learnt === 'function') return await learnt();
  settle();
  report(channel, failures.length === 0 ? { kind: 'ready' } : { kind: 'ready', unprepared: failures.join('; ') });
  // From here on in a child.
  const options = serveForks(channel, learnt);
  await becomeShim(options, channel);
}

function learn(fail: (error: unknown) => void): ReturnType<typeof learnStartPages> {
  try {
    return learnStartPages(directory, channel);
  } catch (error) {
    fail(error);
    return new StartPages();
  }
}

/** What a fork would write to is put where it costs it least. */
function settle(): void {
  emptyNewSpace();
  plugHeap();
}

/** A fork's first scavenge costs it twice its memory: now it has all of new space before that, and little to move then. */
function emptyNewSpace(): void {
  // What survives the first is moved to old space by the second.
  for (let scavenge = 0; scavenge < 2; scavenge++) globalThis.gc?.({ type: 'minor' });
}
