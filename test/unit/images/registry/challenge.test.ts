// What registries ask for with WWW-Authenticate, as they write it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChallenges } from '../../../../src/images/registry/challenge.js';

test('a bearer challenge has realm, service and scope, commas within quotes included', () => {
  const header = 'Bearer realm="https://auth.example/token",service="a, b",scope="repository:x:pull,push"';
  const parameters = { realm: 'https://auth.example/token', service: 'a, b', scope: 'repository:x:pull,push' };
  assert.deepEqual(parseChallenges(header), [{ scheme: 'bearer', parameters }]);
});

test('several challenges, one without parameters, escapes and bare values', () => {
  assert.deepEqual(parseChallenges('Negotiate, Basic realm="a \\"quoted\\" one", BEARER realm=bare , service = x'), [
    { scheme: 'negotiate', parameters: {} },
    { scheme: 'basic', parameters: { realm: 'a "quoted" one' } },
    { scheme: 'bearer', parameters: { realm: 'bare', service: 'x' } },
  ]);
});

test('what is no challenge, or too long to be one, is none', () => {
  for (const header of ['', '=', '""', '  ,,', '"Bearer"', `Bearer realm="${'x'.repeat(9000)}"`]) {
    assert.deepEqual(parseChallenges(header), [], header.slice(0, 20));
  }
});
