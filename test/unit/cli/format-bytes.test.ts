import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes } from '../../../src/cli/format-bytes.js';

test('sizes have three digits at most and the unit that fits', () => {
  const shown = [0, 1023, 1024, 1536, 102_400, 1024 ** 2 - 1, 1024 ** 3, 5 * 1024 ** 4].map(formatBytes);
  assert.deepEqual(shown, ['0B', '1023B', '1.0KiB', '1.5KiB', '100KiB', '1024KiB', '1.0GiB', '5.0TiB']);
});
