// The zygote's program: loads and warms up all that a shim needs, then forks shims for berthd, which holds the other end
// of descriptor 3. docs/adr/0008-zygote.md has the why of every step.
import { openChildSignals, restartWithChildSignalsBlocked } from '../../src/linux/fork-wait.js';
import { prepareFork } from '../../src/linux/fork.js';
import { becomeSubreaper } from '../../src/linux/subreaper.js';
import { becomeShim } from './become-shim.js';
import { report, serveForks } from './serve-forks.js';

const channel = 3;

restartWithChildSignalsBlocked(channel);
process.title = 'berth-zygote';
becomeSubreaper();
prepareFork();
const server = { channel, signals: openChildSignals() };
report(channel, { kind: 'ready' });
// From here on in a child.
const options = serveForks(server);
await becomeShim(options, server);
