// Our ends of FIFOs: nothing is lost, nothing outruns its reader, and an end is seen as one.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, test } from 'node:test';
import { poll } from '../../../../src/base/deadline.js';
import { makeFifoSet, removeFifosOf } from '../../../../src/cli/stdio/fifo-set.js';
import { InputRelay } from '../../../../src/cli/stdio/input-relay.js';
import { drain, OutputRelay } from '../../../../src/cli/stdio/output-relay.js';
import { startProgram } from '../../../helpers/program.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-relay-'));
});
afterEach(async () => await rm(directory, { recursive: true }));

async function makePaths(wishes = { stdin: true, terminal: false }) {
  return await makeFifoSet(join(directory, 'berth.sock'), wishes);
}

test('the FIFOs lie in a private directory beside the socket, one for each stream that is wanted', async () => {
  const paths = await makePaths({ stdin: false, terminal: true });
  assert.equal(paths.stdin, '');
  assert.equal(paths.stderr, '');
  assert.ok(paths.stdout.startsWith(join(directory, 'fifo/stdio-')));
  assert.ok(existsSync(paths.stdout));
});

test('removing them removes their directory, and no file that is none', async () => {
  const paths = await makePaths();
  const file = join(directory, 'log');
  await writeFile(file, 'kept');
  const { stderr: other } = await makePaths();
  await removeFifosOf({ ...paths, stderr: file });
  await removeFifosOf({ stdin: '', stdout: '', stderr: paths.stderr });
  assert.deepEqual(await readdir(join(directory, 'fifo')), [basename(dirname(other))]);
  assert.ok(existsSync(file));
});

test('a directory that is not ours stays, empty as it is', async () => {
  await mkdir(join(directory, 'theirs'));
  await removeFifosOf({ stdin: '', stdout: join(directory, 'theirs/stdout'), stderr: 'binary:///bin/x' });
  assert.ok(existsSync(join(directory, 'theirs')));
});

test('megabytes go through to a slow reader unchanged', async () => {
  const { stdout } = await makePaths();
  const relay = new OutputRelay(stdout);
  const bytes = randomBytes(3_000_000);
  const writer = startProgram('sh', ['-c', `cat > ${stdout}`], { input: bytes });
  const hash = createHash('sha256');
  const slow = new Writable({
    highWaterMark: 1000,
    write: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      setImmediate(done);
    },
  });
  await waitForWriter(writer.pid);
  relay.start(slow, () => assert.fail('the reader is there'));
  await writer.result();
  assert.equal(await drain([relay], 60_000), true);
  await new Promise<void>((resolve) => slow.end(() => resolve()));
  assert.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
});

test('what a process wrote before it went is read after it went', async () => {
  const { stdout } = await makePaths();
  const relay = new OutputRelay(stdout);
  await startProgram('sh', ['-c', `echo last words > ${stdout}`]).result();
  const out = new PassThrough();
  relay.start(out, () => undefined);
  await relay.ended;
  assert.equal(String(out.read()), 'last words\n');
});

test('a reader that goes away is told of once, and why, and what still comes is swallowed', async () => {
  const { stdout } = await makePaths();
  const relay = new OutputRelay(stdout);
  const told: unknown[] = [];
  const gone = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('gone'), { code: 'EPIPE' })),
  });
  gone.on('error', () => undefined);
  const writer = startProgram('sh', ['-c', `head -c 1000000 /dev/zero > ${stdout}`]);
  await waitForWriter(writer.pid);
  relay.start(gone, (error) => told.push(error));
  assert.equal((await writer.result()).code, 0);
  await relay.ended;
  assert.deepEqual(
    told.map((error) => Reflect.get(Object(error), 'code') as unknown),
    ['EPIPE'],
  );
});

test('draining gives up on a stream that is silent and open', async () => {
  const { stdout } = await makePaths();
  const relay = new OutputRelay(stdout);
  const holder = await open(stdout, 'r+');
  relay.start(new PassThrough(), () => undefined);
  assert.equal(await drain([relay], 30), false);
  relay.close();
  await holder.close();
});

test('all of the input reaches the process, which then sees its end', async () => {
  const { stdin } = await makePaths();
  const relay = new InputRelay(stdin);
  const bytes = randomBytes(1_000_000);
  const reader = startProgram('sh', ['-c', `sha256sum < ${stdin}`]);
  const ended = new Promise<void>((resolve) => relay.start(Readable.from([bytes]), resolve));
  const { stdout } = await reader.result();
  assert.equal(stdout.split(' ')[0], createHash('sha256').update(bytes).digest('hex'));
  await ended;
});

test('input that nobody reads holds nothing up once it is closed', async () => {
  const { stdin } = await makePaths();
  const relay = new InputRelay(stdin);
  const source = new PassThrough();
  relay.start(source, () => assert.fail('it did not end'));
  source.write(randomBytes(1_000_000));
  relay.close();
  assert.equal(source.isPaused(), true);
});

test('relays that never began are closed', async () => {
  const { stdin, stdout } = await makePaths();
  new InputRelay(stdin).close();
  new OutputRelay(stdout).close();
});

/** Until the shell has opened the FIFO and become what writes to it, which is when it has a child or has ended. */
async function waitForWriter(pid: number): Promise<void> {
  await poll(async () => ((await hasFifoOpen(pid)) ? true : undefined), {
    limitMs: 10_000,
    intervalMs: 5,
    what: `process ${pid} to open the FIFO`,
  });
}

async function hasFifoOpen(pid: number): Promise<boolean> {
  const target = await readlink(`/proc/${pid}/fd/1`).catch(() => '');
  return target.includes('/fifo/stdio-');
}
