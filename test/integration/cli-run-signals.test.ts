// Signals to `berth run`, at every moment, and the death of the daemon below it.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { useBerthd } from '../helpers/use-berthd.js';
import { fifoDirectories, startRun } from './cli-runs.js';

const daemon = useBerthd();

afterEach(() => assert.deepEqual(fifoDirectories(daemon()), []));

for (const [signal, name] of [
  ['SIGTERM', 'TERM'],
  ['SIGINT', 'INT'],
  ['SIGHUP', 'HUP'],
  ['SIGQUIT', 'QUIT'],
  ['SIGUSR1', 'USR1'],
  ['SIGUSR2', 'USR2'],
] as const) {
  test(`${signal} goes to the container`, async () => {
    const script = `trap "echo got ${name}; exit 5" ${name}; echo ready; while :; do sleep 0.05; done`;
    const program = startRun(daemon(), [`signal-${name}`, 'sh', '-c', script]);
    await program.waitForOutput(/ready/);
    program.signal(signal);
    const { stdout, code } = await program.result();
    assert.deepEqual({ stdout, code }, { stdout: `ready\ngot ${name}\n`, code: 5 });
  });
}

test('an interrupt at any moment of the start leaves nothing behind', async () => {
  for (const delayMs of [60, 120, 160, 200, 250, 300]) {
    const program = startRun(daemon(), ['-i', 'interrupted', 'cat']);
    const interrupt = setTimeout(() => program.signal('SIGINT'), delayMs);
    // As the first process of its namespace `cat` heeds no interrupt: where it was up already, its input ends.
    const eof = setTimeout(() => program.closeStdin(), delayMs + 300);
    const { code } = await program.result();
    clearTimeout(interrupt);
    clearTimeout(eof);
    assert.ok([0, 130].includes(code), String(code));
    await daemon().checkLeaks();
  }
});

test('a run outlives the death of the daemon and still gets output and code', async () => {
  const program = startRun(daemon(), [
    '-i',
    'survivor',
    'sh',
    '-c',
    'echo before; read line; echo after $line; exit 9',
  ]);
  await program.waitForOutput(/before/);
  await daemon().restart('SIGKILL');
  program.write('all\n');
  const { stdout, stderr, code } = await program.result();
  assert.deepEqual({ stdout, code }, { stdout: 'before\nafter all\n', code: 9 });
  assert.equal(stderr, 'berth: berthd is gone; waiting for it to come back\n');
});
