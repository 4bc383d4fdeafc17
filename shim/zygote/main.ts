// The zygote's program: loads and warms up all that a shim needs, then forks shims for berthd, which holds the other end
// of descriptor 3. docs/adr/0010-zygote-and-memory.md has the why of every step.
import { prepareFork } from '../../src/linux/fork.js';
import { becomeSubreaper } from '../../src/linux/subreaper.js';
import { becomeShim } from './become-shim.js';
import { report, serveForks } from './serve-forks.js';

const channel = 3;

process.title = 'berth-zygote';
becomeSubreaper();
prepareFork();
report(channel, { kind: 'ready' });
// From here on in a child.
const options = serveForks(channel);
await becomeShim(options, channel);
