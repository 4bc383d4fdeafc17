// The shim's stdio: every byte there and back, whatever the reader does, and the workload never stuck.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { containerId as id, useShim } from '../helpers/use-shim.js';

const shim = useShim();
const limits = { limitMs: 20_000, intervalMs: 5 };
const mebibyte = 1 << 20;

/** A script that writes `bytes` bytes of `x`. */
function flood(bytes: number): string {
  return `dd if=/dev/zero bs=65536 count=${bytes / 65536} 2>/dev/null | tr '\\0' x`;
}

test('stdout and stderr are separate streams, and end when the container ends', async () => {
  const paths = { stdout: shim().fifo('out'), stderr: shim().fifo('err') };
  const [out, err] = [shim().reader(paths.stdout), shim().reader(paths.stderr)];
  await shim().run(['/bin/sh', '-c', 'echo out; echo err >&2'], paths);
  assert.equal((await out.end()).toString(), 'out\n');
  assert.equal((await err.end()).toString(), 'err\n');
});

test('a mebibyte goes through stdin to stdout unchanged, and closing stdin ends it', async () => {
  const paths = { stdin: shim().fifo('in'), stdout: shim().fifo('out') };
  const input = randomBytes(mebibyte);
  const writer = shim().writer(paths.stdin);
  const reader = shim().reader(paths.stdout);
  await shim().run(['/bin/cat'], paths);
  writer.end(input);
  await poll(() => (reader.length === mebibyte ? true : undefined), { ...limits, what: 'all of it back' });
  // The client's end is closed, but only CloseIO ends the container's stdin: another client may attach.
  const second = shim().writer(paths.stdin);
  second.end('and more');
  await poll(() => (reader.length === mebibyte + 8 ? true : undefined), { ...limits, what: 'the second client' });
  await shim().task.closeIO({ id, execId: '', stdin: true });
  assert.ok((await reader.end()).equals(Buffer.concat([input, Buffer.from('and more')])));
  assert.equal((await shim().wait()).exitStatus, 0);
});

test('stdin of an exec may be closed before its start', async () => {
  await shim().run(['/bin/sleep', '600']);
  const paths = { stdin: shim().fifo('in'), stdout: shim().fifo('out') };
  const reader = shim().reader(paths.stdout);
  await shim().addExec('e1', ['/bin/wc', '-c'], paths);
  await shim().task.closeIO({ id, execId: 'e1', stdin: true });
  await shim().task.start({ id, execId: 'e1' });
  assert.equal((await reader.end()).toString(), '0\n');
});

test('the last mebibyte before the exit reaches a slow reader', async () => {
  const stdout = shim().fifo('out');
  const reader = shim().reader(stdout);
  reader.socket.pause();
  reader.socket.on('data', () => {
    reader.socket.pause();
    void setImmediate().then(() => reader.socket.resume());
  });
  await shim().run(['/bin/sh', '-c', `${flood(mebibyte)}; printf end`], { stdout });
  reader.socket.resume();
  const bytes = await reader.end();
  assert.equal(bytes.length, mebibyte + 3);
  assert.equal(bytes.subarray(-4).toString(), 'xend');
  assert.equal((await shim().wait()).exitStatus, 0);
});

test('a reader that is there but does not read slows the container down, and loses nothing', async () => {
  const stdout = shim().fifo('out');
  const reader = shim().reader(stdout);
  reader.socket.pause();
  await shim().run(['/bin/sh', '-c', `${flood(mebibyte)}; exit 4`], { stdout });
  const wait = shim().wait();
  // A full FIFO, a full pipe, and what the shim holds between them: less than the mebibyte.
  assert.equal(await Promise.race([wait.then(() => 'ended'), checkedTwice()]), 'running');
  reader.socket.resume();
  assert.equal((await reader.end()).length, mebibyte);
  assert.equal((await wait).exitStatus, 4);
});

/** Long enough for the shim to have looked for its reader: state is asked until a second has gone by. */
async function checkedTwice(): Promise<string> {
  const begin = performance.now();
  await poll(
    async () => {
      await shim().status();
      return performance.now() - begin > 700 ? true : undefined;
    },
    { limitMs: 5000, intervalMs: 50, what: 'two looks' },
  );
  return 'running';
}

test('with nobody reading the container runs on, and the loss is counted', async () => {
  const stdout = shim().fifo('out');
  await shim().run(['/bin/sh', '-c', `${flood(4 * mebibyte)}; exit 6`], { stdout });
  assert.equal((await shim().wait()).exitStatus, 6);
  await shim().delete();
  const line = shim()
    .log()
    .split('\n')
    .find((entry) => entry.includes('output that nobody read was dropped'));
  assert.ok(line !== undefined);
  // All but what the FIFO itself took.
  assert.equal((JSON.parse(line) as { bytes: number }).bytes, 4 * mebibyte - 65536);
});

test('a reader that goes away harms nobody, and the next one gets what is newest', async () => {
  const paths = { stdin: shim().fifo('in'), stdout: shim().fifo('out') };
  const writer = shim().writer(paths.stdin);
  const first = shim().reader(paths.stdout);
  await shim().run(
    ['/bin/sh', '-c', `echo one; read go; ${flood(2 * mebibyte)}; echo last; read go; echo after`],
    paths,
  );
  await poll(() => (first.text === 'one\n' ? true : undefined), { ...limits, what: 'the first line' });
  first.close();
  writer.write('go\n');
  await poll(() => (shim().log().includes('oldest output is being dropped') ? true : undefined), {
    ...limits,
    what: 'drops',
  });
  const second = shim().reader(paths.stdout);
  await poll(() => (second.text.endsWith('xlast\n') ? true : undefined), { ...limits, what: 'the newest' });
  writer.end('go\n');
  assert.match((await second.end()).toString(), /last\nafter\n$/);
});

test('a reader that comes after the end still gets the output', async () => {
  const stdout = shim().fifo('out');
  await shim().run(['/bin/sh', '-c', 'echo early'], { stdout });
  await shim().wait();
  const reader = shim().reader(stdout);
  assert.equal((await reader.end()).toString(), 'early\n');
});

test('a FIFO that its client has removed goes on working', async () => {
  const stdout = shim().fifo('out');
  const reader = shim().reader(stdout);
  await shim().run(['/bin/sh', '-c', `${flood(4 * mebibyte)}; echo end`], { stdout });
  unlinkSync(stdout);
  assert.equal((await reader.end()).length, 4 * mebibyte + 4);
});

test('a file gets the output appended, and both streams may share one', async () => {
  const path = join(shim().scope.directory, 'logs', 'out.log');
  const uri = `file://${path}`;
  await shim().run(['/bin/sh', '-c', 'echo out; echo err >&2'], { stdout: uri, stderr: uri });
  await shim().wait();
  await shim().delete();
  assert.deepEqual(readFileSync(path, 'utf8').split('\n').sort(), ['', 'err', 'out']);
  await shim().run(['/bin/echo', 'more'], { stdout: path });
  await shim().wait();
  await shim().delete();
  assert.match(readFileSync(path, 'utf8'), /\nmore\n$/);
});

test('a regular file as stdin is read to its end', async () => {
  const stdin = join(shim().scope.directory, 'input');
  const stdout = shim().fifo('out');
  writeFileSync(stdin, 'from a file');
  const reader = shim().reader(stdout);
  await shim().run(['/bin/cat'], { stdin, stdout });
  assert.equal((await reader.end()).toString(), 'from a file');
});

test('streams that cannot be served are refused by name, at once', async () => {
  shim().writeSpec({ args: ['/bin/true'] });
  const cases = {
    'binary://logger': /host/,
    'http://x/y': /unknown scheme http/,
    '/no/such/fifo': /no such file/,
    'fifo:///no/such/fifo': /no such file/,
    relative: /not an absolute path/,
    '/tmp': /neither a FIFO nor a file/,
  };
  for (const [stdout, message] of Object.entries(cases)) {
    const created = shim().task.create(shim().createRequest({ stdout }));
    await assert.rejects(created, { kind: 'invalid-argument', message }, stdout);
  }
});

test('a terminal has the size it is given, echoes, and ends its stream when it ends', async () => {
  const paths = { stdin: shim().fifo('in'), stdout: shim().fifo('out'), terminal: true };
  const writer = shim().writer(paths.stdin);
  const reader = shim().reader(paths.stdout);
  await shim().run(['/bin/sh', '-c', 'read line; echo "got $line"; stty size; exit 2'], paths);
  await shim().task.resizePty({ id, execId: '', width: 123, height: 45 });
  writer.end('hello\n');
  assert.equal((await reader.end()).toString(), 'hello\r\ngot hello\r\n45 123\r\n');
  assert.equal((await shim().wait()).exitStatus, 2);
  await assert.rejects(shim().task.resizePty({ id, execId: '', width: 1, height: 1 }), { kind: 'failed-precondition' });
});

test('the last bytes of a terminal reach its reader', async () => {
  const paths = { stdout: shim().fifo('out'), terminal: true };
  const reader = shim().reader(paths.stdout);
  await shim().run(['/bin/sh', '-c', `${flood(mebibyte)}; printf end`], paths);
  assert.equal((await reader.end()).length, mebibyte + 3);
});

test('a terminal’s output in a file is whole and in order', async () => {
  const path = join(shim().scope.directory, 'out.log');
  const script = 'i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); done';
  await shim().run(['/bin/sh', '-c', script], { stdout: `file://${path}`, terminal: true });
  await shim().wait();
  await shim().delete();
  const expected = Array.from({ length: 5000 }, (_, index) => `${index}\r\n`).join('');
  assert.equal(readFileSync(path, 'utf8'), expected);
});

test('a file that cannot be made fails the create', async () => {
  shim().writeSpec({ args: ['/bin/true'] });
  const created = shim().task.create(shim().createRequest({ stdout: 'file:///proc/nosuch/directory/out' }));
  await assert.rejects(created, /ENOENT.*mkdir '\/proc\/nosuch'/);
});

test('an exec with a terminal is resized before and after its start', async () => {
  await shim().run(['/bin/sleep', '600']);
  const paths = { stdin: shim().fifo('in'), stdout: shim().fifo('out'), terminal: true };
  const writer = shim().writer(paths.stdin);
  const reader = shim().reader(paths.stdout);
  await shim().addExec('e1', ['/bin/sh', '-c', 'stty -echo; read go; stty size; read go; stty size'], paths);
  await shim().task.start({ id, execId: 'e1' });
  await shim().task.resizePty({ id, execId: 'e1', width: 80, height: 24 });
  writer.write('go\n');
  await poll(() => (reader.text.includes('24 80') ? true : undefined), { ...limits, what: 'the first size' });
  await shim().task.resizePty({ id, execId: 'e1', width: 100, height: 30 });
  writer.end('go\n');
  assert.match((await reader.end()).toString(), /30 100/);
  // Without a terminal there is nothing to do.
  await shim().task.resizePty({ id, execId: '', width: 1, height: 1 });
});

test('a terminal that nobody reads from inside does not stop the shim', async () => {
  const paths = { stdin: shim().fifo('in'), stdout: shim().fifo('out'), terminal: true };
  const writer = shim().writer(paths.stdin);
  const reader = shim().reader(paths.stdout);
  await shim().run(['/bin/sh', '-c', 'stty raw -echo; echo ready; sleep 600'], paths);
  await poll(() => (reader.text.includes('ready') ? true : undefined), { ...limits, what: 'a raw terminal' });
  writer.write(Buffer.alloc(mebibyte, 'x'));
  assert.equal((await shim().task.state({ id, execId: '' })).status, 2);
  await shim().kill(9);
  assert.equal((await shim().wait()).exitStatus, 137);
});
