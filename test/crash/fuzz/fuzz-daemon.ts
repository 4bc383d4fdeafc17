// Fuzzes a daemon over gRPC, and tells what it took: the daemon has to stay up, to answer, and to hold no more than before.
import assert from 'node:assert/strict';
import { Client, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { poll } from '../../../src/base/deadline.js';
import { StorageService } from '../../../src/generated/berth/v1/storage.js';
import { ContainersService } from '../../../src/generated/containerd/services/containers/v1/containers.js';
import { LeasesService } from '../../../src/generated/containerd/services/leases/v1/leases.js';
import { NamespacesService } from '../../../src/generated/containerd/services/namespaces/v1/namespace.js';
import { SnapshotsService } from '../../../src/generated/containerd/services/snapshots/v1/snapshots.js';
import { TasksService } from '../../../src/generated/containerd/services/tasks/v1/tasks.js';
import { VersionService } from '../../../src/generated/containerd/services/version/v1/version.js';
import { ImagesService } from '../../../src/generated/containerd/services/images/v1/images.js';
import { assertCheckClean } from '../../helpers/check-clean.js';
import { runContainer } from '../../helpers/containers.js';
import { Status } from '../../../src/generated/containerd/v1/types/task.js';
import type { TestDaemon } from '../../helpers/daemon.js';
import type { RpcOptions } from '../../helpers/rpc.js';
import { Random } from '../chaos/random.js';
import { type GrpcInput, GrpcInputs } from './grpc-inputs.js';
import { processSize } from './process-size.js';
import { Tally } from './tally.js';

export interface FuzzOptions {
  readonly seed: number;
  readonly inputs: number;
}

const callsAtOnce = 8;
const inputsPerLife = 250;
/** A call that waits, as Wait and Subscribe do, is given up then. */
const callLimitMs = 400;
/** Sizes are compared with those after so much of the run, when caches are warm. */
const warmUpShare = 0.2;
const maxGrowthKib = 128 * 1024;
/** LevelDB opens and closes its files as it goes. */
const descriptorSlack = 12;
const settleLimitMs = 20_000;

export async function fuzzDaemon(daemon: TestDaemon, { seed, inputs }: FuzzOptions) {
  const tally = new Tally();
  const { pid } = daemon;
  const source = new GrpcInputs(daemon, new Random(seed));
  const warm = Math.floor(inputs * warmUpShare);
  await send(daemon, source, warm, tally);
  await removeEverything(daemon);
  const before = processSize(pid);
  await send(daemon, source, inputs - warm, tally);
  await removeEverything(daemon);
  await poll(() => processSize(pid).descriptors <= before.descriptors + descriptorSlack || undefined, {
    limitMs: settleLimitMs,
    intervalMs: 100,
    what: `the daemon's ${processSize(pid).descriptors} descriptors to be ${before.descriptors} again`,
  });
  const after = processSize(pid);
  assert.equal(daemon.pid, pid);
  assert.ok(after.residentKib - before.residentKib < maxGrowthKib, `${before.residentKib} to ${after.residentKib} KiB`);
  await daemon.call(VersionService.version, {});
  await assertCheckClean(daemon);
  for (const line of unforeseen(daemon.log)) tally.fault('log', line, Buffer.alloc(0));
  return { ...tally.result(), before, after };
}

async function send(daemon: TestDaemon, source: GrpcInputs, count: number, tally: Tally): Promise<void> {
  for (let sent = 0; sent < count; sent += inputsPerLife) {
    await revive(daemon);
    await sendSome(daemon, source, Math.min(inputsPerLife, count - sent), tally);
  }
}

/** A running container for the fuzzed calls to meet: they kill it in the end. */
async function revive(daemon: TestDaemon): Promise<void> {
  const found = await daemon.call(TasksService.get, { containerId: 'live', execId: '' }).catch(() => undefined);
  if (found?.process?.status === Status.RUNNING) return;
  await removeContainer(daemon, 'live', {});
  await runContainer(daemon, 'live', ['/bin/sh', '-c', 'while :; do sleep 1; done']);
}

async function sendSome(daemon: TestDaemon, source: GrpcInputs, count: number, tally: Tally): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const input = source.next();
      const { code, details } = await call(daemon.client, input);
      tally.inputs++;
      // What cannot be decoded is told so by grpc-js, with the status that every other gRPC library gives it.
      const isInternal = code === status.INTERNAL;
      const isUndecodable = isInternal && details.startsWith('Error deserializing request');
      tally.count(isUndecodable ? 'undecodable' : (status[code] ?? code));
      if (isInternal && !isUndecodable) tally.fault(input.rpc.path, details, Buffer.concat(input.messages));
    }
  };
  await Promise.all(Array.from({ length: callsAtOnce }, work));
}

interface Answer {
  readonly code: status;
  readonly details: string;
}

/** Every kind of call is driven as a stream: what differs on the wire is only how many messages there are. */
function call(client: Client, { rpc, namespace, lease, messages }: GrpcInput): Promise<Answer> {
  const metadata = new Metadata();
  metadata.set('containerd-namespace', namespace);
  if (lease !== '') metadata.set('containerd-lease', lease);
  const same = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeBidiStreamRequest(rpc.path, same, same, metadata, { deadline: Date.now() + callLimitMs });
  return new Promise((resolve) => {
    stream.on('data', () => undefined);
    stream.on('error', (error: ServiceError) => resolve({ code: error.code, details: error.details }));
    stream.on('status', ({ code, details }: Answer) => resolve({ code, details }));
    for (const message of messages) stream.write(message);
    stream.end();
  });
}

/** Through the API, so that nothing which a fuzzed call has made is beyond a client's reach. */
async function removeEverything(daemon: TestDaemon): Promise<void> {
  const { namespaces } = await daemon.call(NamespacesService.list, { filter: '' });
  for (const { name } of namespaces) await removeNamespace(daemon, name);
}

async function removeNamespace(daemon: TestDaemon, namespace: string): Promise<void> {
  const within: RpcOptions = { namespace };
  for (const { id } of (await daemon.call(ContainersService.list, { filters: [] }, within)).containers) {
    await removeContainer(daemon, id, within);
  }
  for (const { id } of (await daemon.call(LeasesService.list, { filters: [] }, within)).leases) {
    await daemon.call(LeasesService.delete, { id, sync: false }, within);
  }
  for (const { name } of (await daemon.call(ImagesService.list, { filters: [] }, within)).images) {
    await daemon.call(ImagesService.delete, { name, sync: false, target: undefined }, within);
  }
  for (const snapshotter of ['overlayfs', 'native']) await removeSnapshots(daemon, snapshotter, within);
}

/** Calls that were given up may be at work still, and mount or start it once more. */
async function removeContainer(daemon: TestDaemon, id: string, within: RpcOptions): Promise<void> {
  await poll(() => tryToRemove(daemon, id, within), {
    limitMs: settleLimitMs,
    intervalMs: 100,
    what: `container ${id} to be removed`,
  });
}

async function tryToRemove(daemon: TestDaemon, containerId: string, within: RpcOptions): Promise<true | undefined> {
  await quietly(daemon.call(TasksService.resume, { containerId }, within));
  await quietly(daemon.call(TasksService.kill, { containerId, execId: '', signal: 9, all: true }, within));
  await quietly(daemon.call(TasksService.wait, { containerId, execId: '' }, within));
  await quietly(daemon.call(TasksService.delete, { containerId }, within));
  await quietly(daemon.call(StorageService.unmount, { containerId, force: true }, within));
  return await daemon.call(ContainersService.delete, { id: containerId }, within).then(
    () => true,
    ({ code }: ServiceError) => code === status.NOT_FOUND || undefined,
  );
}

/** Children first, which is whatever order works. */
async function removeSnapshots(daemon: TestDaemon, snapshotter: string, within: RpcOptions): Promise<void> {
  for (let removed = 1; removed > 0; ) {
    removed = 0;
    const stream = daemon.stream(SnapshotsService.list, { snapshotter, filters: [] }, within);
    await stream.ended;
    for (const { name } of stream.received.flatMap(({ info }) => info)) {
      if (await quietly(daemon.call(SnapshotsService.remove, { snapshotter, key: name }, within))) removed++;
    }
  }
}

async function quietly(work: Promise<unknown>): Promise<boolean> {
  return await work.then(
    () => true,
    () => false,
  );
}

function unforeseen(log: string): string[] {
  return log.split('\n').filter((line) => / ERROR /.test(line));
}
