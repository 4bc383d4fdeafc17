import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNetworkFigures, networkFiguresOf } from '../../../../shim/metrics/network.js';
import { readMetrics } from '../../../../shim/metrics/read-metrics.js';
import { Metrics as V2Metrics } from '../../../../src/generated/io/containerd/cgroups/v2/metrics.js';
import { RecordedCgroup } from '../../../helpers/recorded-cgroup.js';

const source = { containerId: 'c1', initPid: 0 };

test('a host with v1 controllers is told as v1, also where it has the unified hierarchy beside them', async () => {
  using tree = new RecordedCgroup('v1-linux-6.18');
  const controllers = new Map([
    ['memory', tree.path('memory')],
    ['name=systemd', tree.path('systemd')],
  ]);
  const { typeUrl } = await readMetrics({ ...source, cgroups: { controllers, unified: tree.directory } });
  assert.equal(typeUrl, 'io.containerd.cgroups.v1.Metrics');
});

test('a host whose controllers are all in the unified hierarchy is told as v2', async () => {
  using tree = new RecordedCgroup('v2-linux-6.1');
  const controllers = new Map([['name=systemd', tree.path('systemd')]]);
  const { typeUrl, value } = await readMetrics({ ...source, cgroups: { controllers, unified: tree.directory } });
  assert.equal(typeUrl, 'io.containerd.cgroups.v2.Metrics');
  assert.equal(V2Metrics.decode(value).memory?.usage, 405504n);
});

test('a container without a cgroup of its own has no metrics', async () => {
  await assert.rejects(readMetrics({ ...source, cgroups: undefined }), { kind: 'not-found', message: /c1/ });
  const controllers = new Map([['name=systemd', '/nowhere']]);
  await assert.rejects(readMetrics({ ...source, cgroups: { controllers, unified: undefined } }), { kind: 'not-found' });
});

test('network figures are told of every interface but loopback', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo: 1284944    9372    0    0    0     0          0         0  1284944    9372    0    0    0     0       0          0',
    '  eth0:18446744073709551615  142    1    2    0     0          0         0  3310  41    5    6    0     0       0          0',
  ].join('\n');
  assert.deepEqual(parseNetworkFigures(text), [
    {
      name: 'eth0',
      rxBytes: 2n ** 64n - 1n,
      rxPackets: 142n,
      rxErrors: 1n,
      rxDropped: 2n,
      txBytes: 3310n,
      txPackets: 41n,
      txErrors: 5n,
      txDropped: 6n,
    },
  ]);
});

test('the host’s own network is not told as a container’s, nor that of a process that is gone', () => {
  assert.deepEqual(networkFiguresOf(process.pid), []);
  assert.deepEqual(networkFiguresOf(2 ** 22 + 1), []);
});
