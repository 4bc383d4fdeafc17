import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readSpecFacts } from '../../../shim/spec.js';

let bundle: string;

before(() => {
  bundle = mkdtempSync(join(tmpdir(), 'berth-spec-'));
});

after(() => rmSync(bundle, { recursive: true }));

function facts(spec: unknown): ReturnType<typeof readSpecFacts> {
  writeFileSync(join(bundle, 'config.json'), typeof spec === 'string' ? spec : JSON.stringify(spec));
  return readSpecFacts(bundle);
}

function sharesPids(...namespaces: object[]): boolean {
  return facts({ linux: { namespaces } }).sharesPidNamespace;
}

test('only a new pid namespace dies with its init', () => {
  assert.equal(sharesPids({ type: 'mount' }, { type: 'pid' }), false);
  assert.equal(sharesPids({ type: 'pid', path: '' }), false);
  assert.equal(sharesPids({ type: 'pid', path: '/proc/1/ns/pid' }), true);
  assert.equal(sharesPids({ type: 'mount' }), true);
  assert.equal(facts({}).sharesPidNamespace, true);
});

test('a score of nought is a score', () => {
  assert.equal(facts({ process: { oomScoreAdj: 0 } }).setsOomScore, true);
  assert.equal(facts({ process: {} }).setsOomScore, false);
});

test('a spec that is no JSON is refused with its path', () => {
  assert.throws(() => facts('{'), { kind: 'invalid-argument', message: /config\.json/ });
});
