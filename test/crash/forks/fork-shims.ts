// A program for whichever Node runs it: forks shims from a zygote of that Node, has each do a little of everything that
// a shim does, and tells what became of them as a line of JSON.
// NODE dist/test/crash/forks/fork-shims.js COUNT
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../../src/domain/errors.js';
import { ShimDefinition } from '../../../src/generated/berth/shim/v1/shim.js';
import { Options } from '../../../src/generated/containerd/runc/v1/oci.js';
import { TaskDefinition } from '../../../src/generated/containerd/task/v3/shim.js';
import { ZygoteLauncher } from '../../../src/shims/zygote-launcher.js';
import { dialTtrpc } from '../../../src/ttrpc/client.js';
import { hasEnded } from '../../helpers/host-state.js';
import { quietLog } from '../../helpers/quiet-log.js';
import type { ForkCount } from './fork-count.js';

/** Shims that live at once. */
const workers = 8;
const callTimeoutMs = 20_000;
/** More than a zygote rests before it forks ahead. */
const restMs = 70;
const refusal = 'OCI runtime create failed';

const zygoteMain = fileURLToPath(new URL('../../../bin/zygote/main.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'berth-forks-'));
const runtime = join(directory, 'runtime');
writeFileSync(runtime, '#!/bin/sh\nexit 1\n');
chmodSync(runtime, 0o755);

const launcher = new ZygoteLauncher({
  main: zygoteMain,
  directory: join(directory, 'zygote'),
  environment: process.env,
  log: quietLog,
  onSpawn: () => undefined,
  onOrphanEnded: () => undefined,
});
const failures: string[] = [];
const count = Number(process.argv[2]);
/** One of ten after a rest: the zygote has forked it ahead. */
const rested = Math.ceil(count / 10);
let left = count;
launcher.start();
await Promise.all(Array.from({ length: workers }, crowd));
await line();
const { retries, secondForks, restarts, launches } = launcher.counters;
await launcher.close();
rmSync(directory, { recursive: true });
const told: ForkCount = { node: process.version, launches, retries, secondForks, restarts, failures };
console.log(JSON.stringify(told));

async function crowd(): Promise<void> {
  while (left > rested) await launch(`fork-${left--}`);
}

async function line(): Promise<void> {
  while (left > 0) {
    await sleep(restMs);
    await launch(`fork-${left--}`);
  }
}

async function launch(id: string): Promise<void> {
  const bundle = join(directory, id);
  try {
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify({ process: { args: ['true'] }, linux: {} }));
    await launcher.launch({ namespace: 'forks', id, bundle, debug: false });
    await useShim(id, bundle);
    rmSync(bundle, { recursive: true });
  } catch (error) {
    failures.push(`${id}: ${messageOf(error)}: ${read(join(bundle, 'log')).slice(-500)}`);
    const pid = Number(read(join(bundle, 'shim.pid')));
    if (pid > 0 && !hasEnded(pid)) process.kill(pid, 'SIGKILL');
  }
}

/** It is asked who it is, starts a runtime that refuses, and is told to end. */
async function useShim(id: string, bundle: string): Promise<void> {
  const connection = await dialTtrpc(join(bundle, 'shim.sock'), { timeoutMs: callTimeoutMs });
  try {
    const { containerId } = await connection.client(ShimDefinition).connect({});
    if (containerId !== id) throw new Error(`it says it is ${containerId}`);
    const task = connection.client(TaskDefinition);
    const value = Buffer.from(Options.encode({ ...Options.decode(new Uint8Array()), binaryName: runtime }).finish());
    const streams = { terminal: false, stdin: '', stdout: '', stderr: '', checkpoint: '', parentCheckpoint: '' };
    const options = { typeUrl: 'containerd.runc.v1.Options', value };
    const refused = await task.create({ id, bundle, rootfs: [], ...streams, options }).then(() => '', messageOf);
    if (!refused.includes(refusal)) throw new Error(`its runtime said ${JSON.stringify(refused)}`);
    await task.shutdown({ id, now: true });
  } finally {
    await connection.close();
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
