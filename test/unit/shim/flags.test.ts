import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlags } from '../../../shim/flags.js';

test('flags as containerd and berthd write them, then the action', () => {
  const flags = parseFlags(['-namespace', 'n', '-id=c1', '--bundle', '/b=c', '-debug', 'serve']);
  assert.deepEqual(
    { namespace: flags.namespace, id: flags.id, bundle: flags.bundle, debug: flags.debug, action: flags.action },
    { namespace: 'n', id: 'c1', bundle: '/b=c', debug: true, action: 'serve' },
  );
  assert.equal(parseFlags(['-debug=false', '-v']).debug, false);
  assert.equal(parseFlags(['-v']).version, true);
  assert.equal(parseFlags([]).action, '');
});

test('what is unknown, incomplete or too much is refused by name', () => {
  assert.throws(() => parseFlags(['-nosuch', 'serve']), /flag provided but not defined: -nosuch/);
  assert.throws(() => parseFlags(['-id']), /flag needs an argument: -id/);
  assert.throws(() => parseFlags(['serve', 'more']), /unexpected arguments after serve: more/);
  assert.throws(() => parseFlags(['-constructor', 'x']), /not defined/);
});
