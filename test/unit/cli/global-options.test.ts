// Where the values of the global options come from.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointOf, socketPath } from '../../../src/cli/endpoint.js';
import { resolveGlobalOptions } from '../../../src/cli/global-options.js';

test('without anything there are defaults', () => {
  assert.deepEqual(resolveGlobalOptions({}, {}), {
    address: '/run/berth/berth.sock',
    tlsDir: '',
    namespace: 'default',
    namespaceGiven: false,
    output: 'table',
  });
});

test('the environment counts before the defaults, and an empty variable is none', () => {
  const { address, namespace, namespaceGiven } = resolveGlobalOptions(
    {},
    { BERTH_ADDRESS: '/a', BERTH_NAMESPACE: 'n' },
  );
  assert.deepEqual([address, namespace, namespaceGiven], ['/a', 'n', true]);
  const empty = resolveGlobalOptions({}, { BERTH_ADDRESS: '', BERTH_NAMESPACE: '' });
  assert.deepEqual([empty.address, empty.namespaceGiven], ['/run/berth/berth.sock', false]);
});

test('the command line counts before the environment', () => {
  const given = { address: '/b', tlsDir: '/t', namespace: 'm', output: 'json' } as const;
  assert.deepEqual(resolveGlobalOptions(given, { BERTH_ADDRESS: '/a', BERTH_NAMESPACE: 'n', BERTH_TLS_DIR: '/s' }), {
    ...given,
    namespaceGiven: true,
  });
});

test('an address is a path or a unix URI', () => {
  assert.equal(socketPath('/run/x.sock'), '/run/x.sock');
  assert.equal(socketPath('unix:///run/x.sock'), '/run/x.sock');
  assert.equal(socketPath('unix:/run/x.sock'), '/run/x.sock');
});

test('TCP takes a directory of certificates', () => {
  assert.throws(() => endpointOf('tcp://127.0.0.1:7000', ''), /needs certificates.*--tls-dir/);
  assert.throws(() => endpointOf('tcp://127.0.0.1:7000', '/no/such'), /cannot read \/no\/such\/ca.pem/);
});
