// The zygote's program: loads and warms up all that a shim needs, then forks shims for berthd, which holds the other end
// of descriptor 3. docs/adr/0010-zygote-and-memory.md has the why of every step.
import { messageOf } from '../../src/domain/errors.js';
import { prepareFork } from '../../src/linux/fork.js';
import { plugHeap } from '../../src/linux/plug-heap.js';
import { becomeSubreaper } from '../../src/linux/subreaper.js';
import { becomeShim } from './become-shim.js';
import { rehearse } from './rehearse.js';
import { report, serveForks } from './serve-forks.js';

const channel = 3;
const directory = process.argv[2] ?? '';

void main();

async function main(): Promise<void> {
  process.title = 'berth-zygote';
  becomeSubreaper();
  const unrehearsed = await rehearse(directory).then(
    () => undefined,
    (error: unknown) => messageOf(error),
  );
  prepareFork();
  plugHeap();
  report(channel, unrehearsed === undefined ? { kind: 'ready' } : { kind: 'ready', unrehearsed });
  // From here on in a child.
  const options = serveForks(channel);
  await becomeShim(options, channel);
}
