import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConsoleSocket } from '../../../src/linux/console-socket.js';

test('a console socket that nobody connects to gives nothing and leaves nothing', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-console-'));
  try {
    const path = join(directory, 'console.sock');
    const socket = new ConsoleSocket(path);
    assert.equal(socket.receiveMaster(), undefined);
    assert.throws(() => new ConsoleSocket(path), { code: 'EADDRINUSE' });
    socket.close();
    socket.close();
    assert.ok(!existsSync(path));
    assert.throws(() => new ConsoleSocket(join(directory, 'x'.repeat(120))), { code: 'EINVAL' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
