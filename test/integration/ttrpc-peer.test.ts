// Our ttrpc client against a Go server: the shim of Debian's containerd, started by the contract that a daemon has
// with its shims.
import assert from 'node:assert/strict';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { withDeadline } from '../../src/base/deadline.js';
import { type ErrorKind, isBerthError } from '../../src/domain/errors.js';
import { TaskDefinition } from '../../src/generated/containerd/task/v2/shim.js';
import { type Client, dialTtrpc } from '../../src/ttrpc/client.js';
import { decodeResponse } from '../../src/ttrpc/envelope.js';
import { frameTypes } from '../../src/ttrpc/frame.js';
import { FrameDecoder } from '../../src/ttrpc/frame-decoder.js';
import { maxFrameBytes } from '../../src/ttrpc/limits.js';
import { cleanUp, waitForNoLeaks } from '../helpers/leaks.js';
import { runProgram } from '../helpers/program.js';

/** Where the Go shim puts its socket, whatever it is told. */
const socketDirectories = ['/run/containerd/s', '/run/containerd'];

const dialLimits = { timeoutMs: 5_000 };

const is =
  (kind: ErrorKind, message: string) =>
  (error: unknown): boolean =>
    isBerthError(error, kind) && error.message.includes(message);

test('a Go shim answers calls, failures and many calls at once, and shuts down', async () => {
  await using shim = await startGoShim();
  const connection = await dialTtrpc(shim.socket, dialLimits);
  const task = connection.client(TaskDefinition);

  const { shimPid, taskPid } = await task.connect({ id: shim.id }, { timeoutMs: 5_000 });
  assert.ok(shimPid > 0);
  assert.equal(taskPid, 0);
  await assert.rejects(task.state({ id: shim.id, execId: '' }), is('not-found', 'container not created'));

  const pids = await Promise.all(Array.from({ length: 300 }, () => task.connect({ id: shim.id })));
  assert.ok(pids.every((answer) => answer.shimPid === shimPid));

  // Read whole by the Go side, or it could not name the task.
  const metadata = { 'containerd-namespace': 'x'.repeat(10_000) };
  const long = 'y'.repeat(3_000_000);
  await assert.rejects(task.pids({ id: long }, { metadata }), is('not-found', 'container not created'));

  await shutDown(task, shim.id);
  assert.ok(isBerthError(await withDeadline(connection.closed, 5_000, 'the shim to close'), 'unavailable'));
  await assert.rejects(dialTtrpc(shim.socket, dialLimits), is('unavailable', `nobody listens on ${shim.socket}`));
});

test('a Go shim refuses a service and a method that it does not have', async () => {
  await using shim = await startGoShim();
  await using connection = await dialTtrpc(shim.socket, dialLimits);
  const { connect: method } = TaskDefinition.methods;
  const service = connection.client({ fullName: 'berth.test.v1.Missing', methods: { method } });
  await assert.rejects(service.method({ id: '' }), is('unimplemented', 'service berth.test.v1.Missing'));
  const newer = connection.client({
    fullName: TaskDefinition.fullName,
    methods: { newer: { ...method, name: 'Newer' } },
  });
  await assert.rejects(newer.newer({ id: '' }), is('unimplemented', 'method'));
  await shutDown(connection.client(TaskDefinition), shim.id);
});

test('a Go shim too reads past an oversize frame, answers it, and goes on', async () => {
  await using shim = await startGoShim();
  await using connection = await dialTtrpc(shim.socket, dialLimits);
  const status = await sendOversize(shim.socket, 7);
  assert.equal(status?.code, 8);
  await shutDown(connection.client(TaskDefinition), shim.id);
});

async function shutDown(task: Client<typeof TaskDefinition>, id: string): Promise<void> {
  // It may be gone before its answer has left.
  await task.shutdown({ id, now: true }, { timeoutMs: 5_000 }).catch((error: unknown) => {
    if (!isBerthError(error, 'unavailable')) throw error;
  });
}

/** The status that answers a frame larger than allowed. */
async function sendOversize(path: string, streamId: number): Promise<ReturnType<typeof decodeResponse>['status']> {
  const frame = Buffer.alloc(10 + maxFrameBytes + 1);
  frame.writeUInt32BE(maxFrameBytes + 1, 0);
  frame.writeUInt32BE(streamId, 4);
  frame.writeUInt8(frameTypes.request, 8);
  const socket = connect(path);
  try {
    const answer = new Promise<ReturnType<typeof decodeResponse>['status']>((resolve, reject) => {
      const decoder = new FrameDecoder({
        frame: (header, payload) => {
          assert.equal(header.streamId, streamId);
          resolve(decodeResponse(payload).status);
        },
        oversize: () => reject(new Error('an oversize answer')),
      });
      socket.on('data', (chunk) => decoder.push(chunk)).on('error', reject);
    });
    socket.write(frame);
    return await withDeadline(answer, 10_000, 'the answer to an oversize frame');
  } finally {
    socket.destroy();
  }
}

interface GoShim extends AsyncDisposable {
  readonly id: string;
  readonly socket: string;
}

/** Starts the shim in a bundle of its own; in the end nothing of it is left, or the test fails. */
async function startGoShim(): Promise<GoShim> {
  const made = await missing(socketDirectories);
  const directory = await mkdtemp(join(tmpdir(), 'berth-peer-'));
  const scope = { directory, namespace: basename(directory) };
  let socket: string | undefined;
  let log: number | undefined;
  const dispose = async (): Promise<void> => {
    const leaks = await waitForNoLeaks(scope);
    await cleanUp(scope);
    if (log !== undefined) closeSync(log);
    if (socket !== undefined) await rm(socket, { force: true });
    for (const path of made) await rmdir(path).catch(() => undefined);
    await rm(directory, { recursive: true, force: true });
    assert.deepEqual(leaks, []);
  };
  try {
    await writeFile(join(directory, 'config.json'), '{"ociVersion":"1.0.2"}');
    // The shim ends at once where nobody reads its log.
    await runProgram('mkfifo', [join(directory, 'log')]);
    log = openSync(join(directory, 'log'), constants.O_RDWR | constants.O_NONBLOCK);
    const args = ['-namespace', scope.namespace, '-id', 'peer', '-address', join(directory, 'nobody.sock'), 'start'];
    const started = await runProgram('containerd-shim-runc-v2', args, {
      cwd: directory,
      env: { TTRPC_ADDRESS: join(directory, 'nobody.sock.ttrpc') },
    });
    assert.equal(started.code, 0, started.stderr);
    assert.match(started.stdout, /^unix:\/\/\/.+/);
    socket = started.stdout.trim().replace('unix://', '');
    return { id: 'peer', socket, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose().catch(() => undefined);
    throw error;
  }
}

async function missing(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return paths.filter((_, i) => found[i] !== true);
}
