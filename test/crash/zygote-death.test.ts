// A zygote that dies, hangs or cannot fork costs a client nothing: what runs runs on, and the next shim is launched.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { ExitsService } from '../../src/generated/berth/v1/exits.js';
import { type LaunchesResponse, MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { Provenance } from '../../src/generated/berth/v1/provenance.js';
import { readProcessStat } from '../../src/linux/process-info.js';
import { removeContainer, runContainer, waitForExit } from '../helpers/containers.js';
import { Counter } from '../helpers/counter.js';
import { startBerthd } from '../helpers/daemon.js';
import { findProcesses, hasEnded } from '../helpers/host-state.js';
import { runProgram, startProgram } from '../helpers/program.js';
import { childrenOf, commandOf, shimAhead, shimsAhead } from '../helpers/shim-ahead.js';
import { useBerthd } from '../helpers/use-berthd.js';

const SIGTERM = 15;
/** A hung zygote is given up after 4 s; a busy machine starts the next one in a few. */
const limitMs = 20_000;

const daemon = useBerthd();

async function launches(): Promise<LaunchesResponse> {
  return await daemon().call(MaintenanceService.launches, {});
}

/** How many shims this rung has launched. */
async function launchedBy(name: string): Promise<bigint> {
  const { rungs } = await launches();
  return rungs.find((rung) => rung.name === name)?.launched ?? assert.fail(`no rung ${name}`);
}

/** Its pid, once there is a zygote that is not `other`. */
async function zygotePid(other = 0): Promise<number> {
  const pid = async () => {
    const { zygote } = await launches();
    return zygote === undefined || zygote.pid === 0 || zygote.pid === other ? undefined : zygote.pid;
  };
  return await poll(pid, { limitMs, intervalMs: 20, what: `another zygote than ${other}` });
}

/** A container from its creation to its removal. */
async function runToEnd(id: string): Promise<void> {
  await runContainer(daemon(), id, ['/bin/sh', '-c', 'exit 7']);
  assert.equal(await waitForExit(daemon(), id), 7);
  await removeContainer(daemon(), id);
}

/** Resolves once a container's shim is a fork again. */
async function forksAgain(): Promise<void> {
  const before = await launchedBy('zygote');
  let round = 0;
  const probe = async () => {
    await runToEnd(`fork${++round}`);
    return (await launchedBy('zygote')) > before || undefined;
  };
  await poll(probe, { limitMs, intervalMs: 20, what: 'a forked shim' });
}

test('shims are forked from the zygote, and live on when it is killed and replaced', async () => {
  const zygote = await zygotePid();
  const spawned = await launchedBy('spawn');
  const counter = await Counter.start(daemon(), 'lives');
  assert.equal(readProcessStat(counter.shimPid)?.parentPid, zygote);
  assert.equal(await launchedBy('spawn'), spawned);
  process.kill(zygote, 'SIGKILL');
  await runToEnd('meanwhile');
  await counter.countsOn();
  const exec = await counter.exec('e1', '/bin/sh', '-c', 'exit 5');
  assert.equal(exec.code, 5, exec.stderr);
  await zygotePid(zygote);
  await forksAgain();
  await counter.kill(SIGTERM);
  assert.equal(await counter.wait(), 21);
  await counter.remove();
});

test('a container whose zygote and shim are both killed is adopted, and its exit is true', async () => {
  const zygote = await zygotePid();
  const counter = await Counter.start(daemon(), 'orphan');
  const dead = counter.shimPid;
  process.kill(zygote, 'SIGKILL');
  process.kill(dead, 'SIGKILL');
  await counter.servedByAnother(dead);
  await counter.countsOn();
  await counter.kill(SIGTERM);
  assert.equal(await counter.wait(), 21);
  const { exit } = await daemon().call(ExitsService.get, { containerId: 'orphan', execId: '' });
  assert.notEqual(exit?.provenance, Provenance.UNKNOWN);
  await counter.remove();
  await zygotePid(zygote);
});

test('while a zygote hangs shims are launched as a fresh Node, and it is replaced', async () => {
  const hung = await zygotePid();
  await forksAgain();
  const spawned = await launchedBy('spawn');
  process.kill(hung, 'SIGSTOP');
  await runToEnd('waits');
  assert.equal(await launchedBy('spawn'), spawned + 1n);
  await zygotePid(hung);
  await forksAgain();
  assert.match(daemon().log, /a shim could not be launched this way .*rung=zygote/);
});

test('what a zygote has left that died at its rehearsal goes before the next one starts', async () => {
  const dead = await zygotePid();
  const cwd = rehearsalOf(dead);
  const left = await leaveBehind(cwd);
  // And somebody who only looks around there.
  const visitor = startProgram('setsid', ['sh', '-c', 'read line; exit 3'], { cwd, keepStdin: true });
  try {
    assert.equal(hasEnded(left), false);
    process.kill(dead, 'SIGKILL');
    await poll(() => hasEnded(left) || undefined, { limitMs, intervalMs: 20, what: 'the end of what was left' });
  } finally {
    if (!hasEnded(left)) process.kill(left, 'SIGKILL');
  }
  visitor.closeStdin();
  assert.equal((await visitor.result()).code, 3);
  await zygotePid(dead);
  await forksAgain();
});

test('while a zygote cannot fork shims are launched as a fresh Node, and it is kept', async () => {
  const zygote = await zygotePid();
  const spawned = await launchedBy('spawn');
  await shimAhead(zygote);
  const { limit } = moveToOwnGroup(zygote);
  writeFileSync(limit, '1');
  await runToEnd('forked-before');
  await runToEnd('refused');
  assert.equal(await launchedBy('spawn'), spawned + 1n);
  writeFileSync(limit, 'max');
  await runToEnd('forked');
  assert.deepEqual([await launchedBy('spawn'), await zygotePid()], [spawned + 1n, zygote]);
  assert.match(daemon().log, /rung=zygote .*EAGAIN: fork/);
});

test('doctor tells how shims were launched', async () => {
  const { stdout } = await daemon().berth(['doctor']);
  assert.match(stdout, /^WARN {2}shim launches {2}\d+ by zygote \(\d+ failed\), \d+ by spawn, zygote \d+, 4 replaced/m);
});

test('the shim that is forked ahead is the next one; killed it costs nothing, and it ends with its zygote', async () => {
  const zygote = await zygotePid();
  await runToEnd('first');
  const ahead = await shimAhead(zygote);
  const counter = await Counter.start(daemon(), 'ahead');
  assert.equal(counter.shimPid, ahead);
  process.kill(await shimAhead(zygote), 'SIGKILL');
  await poll(() => shimsAhead(zygote).length === 0 || undefined, {
    limitMs,
    intervalMs: 5,
    what: 'the end of the next',
  });
  const { rungs } = await launches();
  await runToEnd('unhurt');
  const failed = ({ failed: count }: { readonly failed: bigint }) => count;
  assert.deepEqual((await launches()).rungs.map(failed), rungs.map(failed));
  const last = await shimAhead(zygote);
  process.kill(zygote, 'SIGKILL');
  await poll(() => hasEnded(last) || undefined, { limitMs, intervalMs: 5, what: 'the end of the last' });
  await counter.kill(SIGTERM);
  assert.equal(await counter.wait(), 21);
  await counter.remove();
  await zygotePid(zygote);
});

test('a zygote that is killed while it watches its pretended shim leaves neither that nor its client', async () => {
  const zygote = await watchingZygote();
  const forked = childrenOf(zygote);
  assert.ok(forked.length >= 2);
  process.kill(zygote, 'SIGKILL');
  await poll(() => forked.every((pid) => hasEnded(pid)) || undefined, {
    limitMs,
    intervalMs: 5,
    what: 'the end of all that it has forked',
  });
  await forksAgain();
});

/** One that is about to be ready. */
async function watchingZygote(): Promise<number> {
  for (let attempt = 0; attempt < 5; attempt++) {
    await forksAgain();
    const ready = await zygotePid();
    process.kill(ready, 'SIGKILL');
    const zygote = await zygotePid(ready);
    // Until it is ready it has no child but these.
    const watching = () => {
      const shim = childrenOf(zygote).find((pid) => commandOf(pid).startsWith('berth-shim'));
      return shim !== undefined || hasEnded(zygote) || undefined;
    };
    const seen = await poll(watching, { limitMs: 5000, intervalMs: 1, what: 'a pretended shim' }).catch(
      () => undefined,
    );
    if (seen === true && childrenOf(zygote).length >= 2) return zygote;
  }
  return assert.fail('no zygote was seen to watch its pretended shim');
}

test('what a zygote has left that died at its rehearsal does not outlive the daemon that has not replaced it yet', async () => {
  const dead = await zygotePid();
  const cwd = rehearsalOf(dead);
  const left = await leaveBehind(cwd);
  // As a rehearsal that has failed does.
  rmdirSync(cwd);
  try {
    process.kill(dead, 'SIGKILL');
    assert.equal(await daemon().stop(), 0);
    await poll(() => hasEnded(left) || undefined, { limitMs, intervalMs: 20, what: 'the end of what was left' });
  } finally {
    if (!hasEnded(left)) process.kill(left, 'SIGKILL');
  }
});

test('a rehearsal that fails leaves no process', async () => {
  const bin = mkdtempSync(join(tmpdir(), 'berth-bin-'));
  // The pretended runtime then cannot write down the pid of its container, which waits to be started.
  writeFileSync(join(bin, 'mkfifo'), '#!/bin/sh\nmkdir init.pid\nexec /usr/bin/mkfifo "$@"\n', { mode: 0o755 });
  const unlucky = await startBerthd({ env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } });
  try {
    const limits = { limitMs, intervalMs: 20, what: 'the end of the rehearsal' };
    await poll(() => unlucky.log.includes('the zygote is not prepared in full') || undefined, limits);
    const left = () => findProcesses(unlucky).filter(({ command }) => /zygote\/\d+\/runc/.test(command));
    await poll(() => left().length === 0 || undefined, { limitMs, intervalMs: 20, what: 'the end of its processes' });
  } finally {
    await unlucky.dispose();
    rmSync(bin, { recursive: true });
  }
});

test('the zygote of a daemon that was killed and the one of the next do not meet', async () => {
  for (let round = 0; round < 3; round++) {
    await daemon().restart('SIGKILL');
    await daemon().restart('SIGKILL');
    await forksAgain();
  }
  assert.doesNotMatch(daemon().log, /the zygote is not prepared in full/);
  // It clears up after itself, and after those that could not.
  await daemon().restart('SIGTERM');
  await forksAgain();
  assert.deepEqual(readdirSync(rehearsals()), []);
});

function rehearsals(): string {
  return join(daemon().state, 'zygote');
}

/** Made anew. */
function rehearsalOf(zygote: number): string {
  const directory = join(rehearsals(), String(zygote));
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** As the stand-in for a container's init: of a session whose leader is gone. */
async function leaveBehind(cwd: string): Promise<number> {
  const { stdout } = await runProgram('setsid', ['sh', '-c', 'sleep 1000 >/dev/null 2>&1 & echo $!'], { cwd });
  return Number(stdout);
}

/** A cgroup in which the number of processes can be limited. */
function moveToOwnGroup(pid: number): { readonly limit: string } {
  const hierarchy = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((path) => existsSync(path)) ?? '';
  const group = join(hierarchy, `${daemon().namespace}-zygote`);
  mkdirSync(group);
  writeFileSync(join(group, 'cgroup.procs'), String(pid));
  return { limit: join(group, 'pids.max') };
}
