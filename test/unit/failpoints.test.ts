// No failpoint without a test that dies there: the points of a task's life are taken from the built code by
// test/crash/failpoints.test.ts, and every other is named by a test.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../helpers/daemon.js';
import { failpointsIn, taskPoints } from '../helpers/faults.js';

test('every failpoint is passed by a test', () => {
  const points = failpointsIn('src', 'shim');
  assert.ok(points.length > 70, points.join(' '));
  const driven = new Set(taskPoints());
  const tests = textOf('test/crash') + textOf('test/integration');
  const untested = points.filter((name) => !driven.has(name) && !named(tests, name));
  assert.deepEqual(untested, []);
});

/** As a whole string, perhaps with the number of the pass. */
function named(tests: string, point: string): boolean {
  return ["'", ':'].some((end) => tests.includes(`'${point}${end}`));
}

function textOf(folder: string): string {
  const names = readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(projectRoot, folder, name), 'utf8'))
    .join('\n');
}
