import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { streamTarget } from '../../../shim/stdio/stream-target.js';
import { makeFifo } from '../../../src/linux/pipe.js';

let directory: string;

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-target-'));
  makeFifo(join(directory, 'fifo'), 0o600);
  writeFileSync(join(directory, 'file'), '');
});

after(() => rmSync(directory, { recursive: true }));

test('a path is what lies there; a URI is what it says', () => {
  const fifo = join(directory, 'fifo');
  const file = join(directory, 'file');
  assert.deepEqual(streamTarget('stdout', ''), { kind: 'none' });
  assert.deepEqual(streamTarget('stdout', fifo), { kind: 'fifo', path: fifo });
  assert.deepEqual(streamTarget('stdout', `fifo://${fifo}`), { kind: 'fifo', path: fifo });
  assert.deepEqual(streamTarget('stdout', file), { kind: 'file', path: file, create: false });
  assert.deepEqual(streamTarget('stdout', '/dev/null'), { kind: 'file', path: '/dev/null', create: false });
  const uri = `file://${directory}/a%20b/out`;
  assert.deepEqual(streamTarget('stdout', uri), { kind: 'file', path: `${directory}/a b/out`, create: true });
});

test('a log driver is a path with arguments: each name of the query, and the first of its values', () => {
  const target = (uri: string) => {
    const found = streamTarget('stdout', uri);
    assert.equal(found.kind, 'driver');
    return found.kind === 'driver' ? [found.path, ...found.args] : [];
  };
  assert.deepEqual(target('binary:///bin/logger'), ['/bin/logger']);
  assert.deepEqual(target('binary:///a%20b?-x=1&y&-x=2&z=%26'), ['/a b', '-x', '1', 'y', '', 'z', '&']);
});

test('what cannot be served is refused, naming stream and target', () => {
  const refuse = (uri: string, message: RegExp): void => {
    assert.throws(() => streamTarget('stderr', uri), { kind: 'invalid-argument', message }, uri);
  };
  refuse(join(directory, 'nosuch'), /^stderr \/.*nosuch: no such file or directory$/);
  refuse(join(directory, 'file', 'below'), /no such file or directory/);
  refuse(directory, /neither a FIFO nor a file/);
  refuse('relative/path', /not an absolute path/);
  refuse('s3://bucket', /unknown scheme s3/);
  refuse('file://host/path', /^stderr file:/);
  refuse('binary://host/path', /^stderr binary:/);
  const input = { kind: 'invalid-argument', message: /^stdin binary:.*gives no input$/ };
  assert.throws(() => streamTarget('stdin', 'binary:///bin/logger'), input);
});
