// The real containerd for the tests of a file, with Berth's shim on its PATH: nothing may be left of any container.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { socketPath } from '../../shim/contract/address.js';
import { startContainerd, type TestDaemon } from './daemon.js';

/** Which containerd runs as `containerd-shim-berth-v2`. */
export const berthRuntime = 'io.containerd.berth.v2';
/** containerd's own. */
export const goRuntime = 'io.containerd.runc.v2';

const settleLimitMs = 5000;

/** `directories` go in front of its PATH. */
export function useContainerd(directories: readonly string[] = []): () => TestDaemon {
  let daemon: TestDaemon | undefined;
  before(async () => {
    daemon = await startContainerd(directories);
  });
  afterEach(async () => {
    if (daemon === undefined) return;
    await daemon.checkLeaks();
    await assertNothingLeft(daemon);
  });
  after(async () => {
    await daemon?.dispose();
  });
  return () => {
    if (daemon === undefined) throw new Error('the daemon is started by a before hook');
    return daemon;
  };
}

export function bundlePath(daemon: TestDaemon, id: string): string {
  return join(daemon.state, 'io.containerd.runtime.v2.task', daemon.namespace, id);
}

/** Where the shim of `id` listens. */
export function shimSocket(daemon: TestDaemon, id: string): string {
  return socketPath({ address: daemon.socket, namespace: daemon.namespace, id });
}

/** What a test's daemon does not know of: the shims' sockets, bundles and runc's state. */
async function assertNothingLeft(daemon: TestDaemon): Promise<void> {
  // Each shim's log, which containerd copies into its own, names its container.
  const ids = new Set([...daemon.log.matchAll(/"containerId":"([^"]+)"/g)].map((match) => match[1] ?? ''));
  const left = (): string[] => [
    ...[...ids].map((id) => shimSocket(daemon, id)).filter((path) => existsSync(path)),
    ...bundles(daemon),
    ...entries(join('/run/containerd/runc', daemon.namespace)),
  ];
  const probe = () => left().length === 0 || undefined;
  await poll(probe, { limitMs: settleLimitMs, intervalMs: 20, what: 'nothing left' }).catch(() => undefined);
  assert.deepEqual(left(), []);
}

function bundles(daemon: TestDaemon): string[] {
  return entries(join(daemon.state, 'io.containerd.runtime.v2.task', daemon.namespace));
}

function entries(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}
