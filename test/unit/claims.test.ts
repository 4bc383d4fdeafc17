// What docs/reliability-claims.md names exists: each test file, and in it a test whose title begins or goes on so.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const project = resolve(import.meta.dirname, '../../..');

/** A file below test/, a remark in brackets, and a piece of a title. */
const reference = /^`([^`]+)`(?: \([^)]*\))?(?:: (.+))?$/;

test('every claim of reliability names tests that exist', () => {
  const lines = readFileSync(join(project, 'docs/reliability-claims.md'), 'utf8').split('\n');
  const rows = lines.filter((line) => line.startsWith('| ') && !/^\| (claim|---) /.test(line));
  assert.ok(rows.length > 60, `${rows.length} claims`);
  for (const row of rows) {
    const shown = row.split(' | ')[1]?.replace(/ \|$/, '') ?? '';
    for (const part of shown.split('; ')) assertExists(row, part);
  }
});

function assertExists(row: string, part: string): void {
  const [, file, title] = reference.exec(part) ?? assert.fail(`${part} names no test in: ${row}`);
  const path = join(project, 'test', `${file}.test.ts`);
  assert.ok(existsSync(path), `${path} is not there: ${row}`);
  if (title === undefined) return;
  const titles = [...readFileSync(path, 'utf8').matchAll(/\btest\(\s*(['"`])(.*?)\1,/g)].map(
    ([, , text]) => text ?? '',
  );
  assert.ok(
    titles.some((text) => text.includes(title)),
    `${file} has no test of this title: ${title}`,
  );
}
