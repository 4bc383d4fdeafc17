// Forking Node is no feature of Node's: here it is held to it on every release line that Berth supports.
// BERTH_FORKS=2000 for the full run (`make forks`).
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { projectRoot } from '../helpers/daemon.js';
import type { ForkCount } from './forks/fork-count.js';

const forks = Number(process.env['BERTH_FORKS'] ?? 150);
const program = fileURLToPath(new URL('./forks/fork-shims.js', import.meta.url));
const nodes = execFileSync(join(projectRoot, 'scripts/setup-nodes.sh'), { encoding: 'utf8' }).trim().split('\n');

for (const node of nodes) {
  const version = basename(dirname(node));
  test(`Node ${version} forks ${forks} shims without a failure that a caller sees`, async () => {
    const { stdout, stderr } = await promisify(execFile)(node, [program, String(forks)]);
    console.log(stdout.trim());
    const { launches, failures, restarts } = JSON.parse(stdout) as ForkCount;
    assert.deepEqual(failures, []);
    assert.deepEqual({ launches, restarts, stderr }, { launches: forks, restarts: 0, stderr: '' });
  });
}
