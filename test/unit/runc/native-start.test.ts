import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deferred } from '../../../src/base/deferred.js';
import { makeFifo } from '../../../src/linux/pipe.js';
import { startNatively } from '../../../src/runc/native-start.js';

const limitMs = 10_000;
const pid = 4321;
const never = new Promise<never>(() => undefined);

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'berth-native-'));
  mkdirSync(join(root, 'c'));
  writeState({});
  makeFifo(fifo(), 0o622);
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function fifo(): string {
  return join(root, 'c', 'exec.fifo');
}

function writeState(fields: object): void {
  const config = { cgroups: { systemd: false }, Hooks: null };
  const state = { id: 'c', init_process_pid: pid, rootless: false, cgroup_paths: {}, config, ...fields };
  writeFileSync(join(root, 'c', 'state.json'), JSON.stringify(state));
}

function start(ended: Promise<unknown> = never, timeoutMs = limitMs) {
  return startNatively(root, 'c', { pid, ended }, timeoutMs);
}

/** As runc's init does; only after somebody has opened the FIFO for reading. */
function writeAsInit(text: string): void {
  const fd = openSync(fifo(), constants.O_WRONLY | constants.O_NONBLOCK);
  if (text !== '') writeSync(fd, text);
  closeSync(fd);
}

function hasReader(): boolean {
  try {
    closeSync(openSync(fifo(), constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENXIO');
    return false;
  }
}

test('init is let go, and once its program runs its FIFO is gone', async () => {
  const started = start();
  const fd = openSync(fifo(), constants.O_WRONLY | constants.O_NONBLOCK);
  writeSync(fd, '0');
  assert.equal(await Promise.race([started, sleep(50, 'waits')]), 'waits');
  // As it does when the program takes init's place.
  closeSync(fd);
  assert.equal(await started, 'started');
  assert.ok(!existsSync(fifo()));
});

test('an init that closes its FIFO before it runs its program is waited for', async () => {
  const init = spawn('sh', ['-c', `printf 0 >'${fifo()}'; sleep 0.3; exec sleep 60`], { stdio: 'ignore' });
  const initPid = init.pid ?? 0;
  const ended = once(init, 'exit');
  try {
    writeState({ init_process_pid: initPid });
    assert.equal(await startNatively(root, 'c', { pid: initPid, ended }, limitMs), 'started');
    assert.equal(readFileSync(`/proc/${initPid}/cmdline`, 'utf8'), ['sleep', '60', ''].join('\0'));
  } finally {
    init.kill('SIGKILL');
    await ended;
  }
});

test('what init runs is looked at before its FIFO lets it go, and then until it runs another', async () => {
  const readersWhenLooked: boolean[] = [];
  const look = (): string => {
    readersWhenLooked.push(hasReader());
    return readersWhenLooked.length < 4 ? 'runc init' : 'its program';
  };
  const started = startNatively(root, 'c', { pid, ended: never }, limitMs, look);
  writeAsInit('0');
  assert.equal(await started, 'started');
  assert.deepEqual(readersWhenLooked, [false, false, false, false]);
});

test('an init whose program does not run meets the deadline', async () => {
  const started = start(never, 50);
  const fd = openSync(fifo(), constants.O_WRONLY | constants.O_NONBLOCK);
  writeSync(fd, '0');
  assert.equal(await started, 'timeout');
  closeSync(fd);
});

test('an init that has written its byte and ended since was started', async () => {
  const ended = new Deferred<void>();
  const started = start(ended.promise);
  writeAsInit('0');
  ended.resolve();
  assert.equal(await started, 'started');
});

test('an init that ended or closed its end without a byte is left to the runtime, which has words for it', async () => {
  const ended = new Deferred<void>();
  const started = start(ended.promise);
  ended.resolve();
  assert.equal(await started, 'other');
  const closed = start();
  writeAsInit('');
  assert.equal(await closed, 'other');
  assert.ok(existsSync(fifo()));
});

test('an init that says nothing meets the deadline', async () => {
  assert.equal(await start(never, 20), 'timeout');
});

test('what is not a created container of runc’s is left to the runtime', async () => {
  assert.equal(await startNatively(root, 'absent', { pid, ended: never }, limitMs), 'other');
  assert.equal(await startNatively(root, 'c', { pid: pid + 1, ended: never }, limitMs), 'other');
  writeState({ id: 'another' });
  assert.equal(await start(), 'other');
  writeState({});
  mkdirSync(join(root, 'c', 'notify'));
  assert.equal(await start(), 'other');
  rmSync(join(root, 'c', 'notify'), { recursive: true });
  rmSync(fifo());
  assert.equal(await start(), 'other');
  writeFileSync(fifo(), '0');
  assert.equal(await start(), 'other');
  assert.ok(existsSync(fifo()));
});
