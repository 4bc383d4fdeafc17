// The only wiring: opens the records, recovers what runs, serves, and stops in order.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Server } from '@grpc/grpc-js';
import { createServer } from '../api/server.js';
import { withDeadline } from '../base/deadline.js';
import { Deferred } from '../base/deferred.js';
import { armFailpoint } from '../base/failpoint.js';
import type { Log } from '../base/log.js';
import { BerthError, messageOf } from '../domain/errors.js';
import { closeImageStorage, openImageStorage } from '../images/image-storage.js';
import { openLayerStorage } from '../images/layer-storage.js';
import type { UnpackLimits } from '../images/diff/unpack/unpack-layer.js';
import { becomeSubreaper } from '../linux/subreaper.js';
import type { Retention } from '../store/journal.js';
import { openStore, type Store } from '../store/store.js';
import { sweepCheckpoints } from '../supervisor/checkpoints/sweep-checkpoints.js';
import { sweepExits } from '../supervisor/exits.js';
import { OrphanReaper } from '../supervisor/orphan-reaper.js';
import { recover } from '../supervisor/recover.js';
import { serverUuid } from '../supervisor/server-uuid.js';
import { createSupervisor, type Supervisor } from '../supervisor/supervisor.js';
import { watchEnds } from '../supervisor/watch-ends.js';
import { daemonMain, protoDirectory, readBuildInfo } from './build.js';
import type { Configuration } from './configuration.js';
import { eventsAddress, type EventsSocket, serveForwardedEvents } from './events-socket.js';
import { openListeners } from './listeners.js';
import { createLog } from './logger.js';
import { notifySystemd } from './notify.js';
import { shimLaunching } from './shim-launch.js';

/** Others may pass through, and not list. */
const directoryMode = 0o711;
/** Calls under way may end within this before they are cut off. */
const drainTimeoutMs = 5000;
/** Or as long as exits are kept, where that is less. */
const longestSweepIntervalMs = 60_000;
const shortestSweepIntervalMs = 1000;

export async function runDaemon(configuration: Configuration): Promise<void> {
  armFailpoint(process.env['BERTH_FAILPOINT']);
  const log = createLog(configuration);
  prepareDirectories(configuration);
  const store = await openStore({ root: configuration.root, keep: journalRetention(configuration) });
  const images = await openImageStorage({
    root: configuration.root,
    store,
    log,
    garbage: { delayMs: configuration.gcDelayMs, intervalMs: configuration.gcIntervalSeconds * 1000 },
  });
  const layers = await openLayerStorage({ root: configuration.root, images, limits: unpackLimits(configuration) });
  const closing = new AbortController();
  const stop = stopRequest();
  const orphans = new OrphanReaper();
  becomeSubreaper();
  orphans.start();
  const launching = shimLaunching(configuration.shimLaunch, { log, orphans, state: configuration.state });
  const supervisor = createSupervisor({
    store,
    images,
    layers,
    registries: {
      certificatesDirectory: configuration.registryCertificates,
      stallMs: configuration.registryTimeoutMs,
    },
    orphans,
    launcher: launching.launcher,
    launchCounts: () => launching.counts(),
    log,
    rootDirectory: configuration.root,
    stateDirectory: configuration.state,
    containersDirectory: join(configuration.root, 'containers'),
    checkpointsDirectory: join(configuration.root, 'checkpoints'),
    runtime: {
      binary: configuration.runtime,
      criu: configuration.criu,
      names: configuration.runtimes,
      searchPath: process.env['PATH'] ?? '',
    },
    foreign: {
      address: configuration.address,
      ttrpcAddress: eventsAddress(configuration.address),
      publishBinary: daemonMain,
      environment: process.env,
      onSpawn: orphans.leaveToLibuv,
    },
    closing: closing.signal,
    requestStop: () => stop.request('a client'),
    exitRetentionSeconds: configuration.exitRetentionSeconds,
  });
  const { server, listener, events } = await serve(configuration, supervisor, log);
  images.garbage.start();
  const ends = watchEnds(supervisor);
  const sweeper = setInterval(() => void sweep(supervisor), sweepIntervalMs(configuration));
  const backups = scheduleBackups(configuration, store, log);
  log.info('ready', { address: configuration.address, pid: process.pid });
  notifySystemd(process.env['NOTIFY_SOCKET'], 'READY=1', log);
  // The start of a zygote takes the processor from shims that are being reached.
  void Promise.all(supervisor.tasks.list().map(async (task) => task.reaching)).then(() => launching.prepare());

  log.info('stopping; containers go on running', { askedBy: await stop.requested });
  notifySystemd(process.env['NOTIFY_SOCKET'], 'STOPPING=1', log);
  clearInterval(ends);
  clearInterval(sweeper);
  clearInterval(backups);
  listener.close();
  closing.abort();
  await stopInOrder({ server, events, supervisor, store, log });
  listener.endConnections();
  await launching.close();
}

async function serve(configuration: Configuration, supervisor: Supervisor, log: Log) {
  const uuid = await serverUuid(supervisor);
  const server = createServer({ supervisor, log, uuid, build: readBuildInfo(), protoDirectory });
  await recover(supervisor);
  await sweepCheckpoints(supervisor);
  // First, so that whoever reaches the API finds everything served.
  const events = await serveForwardedEvents(eventsAddress(configuration.address), supervisor, log);
  try {
    const listener = await openListeners(server, configuration, log);
    return { server, listener, events };
  } catch (error) {
    await events.close();
    throw error;
  }
}

function journalRetention(configuration: Configuration): Retention {
  const { journalEvents, journalBytes, journalSeconds } = configuration;
  return { events: journalEvents, bytes: journalBytes, seconds: journalSeconds };
}

function unpackLimits({ unpackMaxBytes, unpackMaxEntries, unpackDevices }: Configuration): UnpackLimits {
  return { maxBytes: unpackMaxBytes, maxEntries: unpackMaxEntries, allowDevices: unpackDevices };
}

function prepareDirectories({ root, state, address }: Configuration): void {
  for (const directory of [root, state, dirname(address)]) {
    try {
      mkdirSync(directory, { recursive: true, mode: directoryMode });
    } catch (error) {
      throw new BerthError('unavailable', `cannot make ${directory}: ${messageOf(error)}`, { cause: error });
    }
  }
}

interface StopRequest {
  /** Resolves to who asked first. */
  readonly requested: Promise<string>;
  readonly request: (askedBy: string) => void;
}

function stopRequest(): StopRequest {
  const { promise, resolve } = new Deferred<string>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  return { requested: promise, request: resolve };
}

function scheduleBackups(configuration: Configuration, store: Store, log: Log): NodeJS.Timeout | undefined {
  const { backupIntervalSeconds, backupsKept } = configuration;
  if (backupIntervalSeconds === 0) return undefined;
  return setInterval(() => {
    store.backUp(backupsKept).then(
      (path) => log.info('the records are backed up', { path }),
      (error: unknown) => log.error('the records could not be backed up', { error }),
    );
  }, backupIntervalSeconds * 1000);
}

function sweepIntervalMs({ exitRetentionSeconds }: Configuration): number {
  return Math.min(longestSweepIntervalMs, Math.max(shortestSweepIntervalMs, exitRetentionSeconds * 1000));
}

async function sweep(supervisor: Supervisor): Promise<void> {
  try {
    await sweepExits(supervisor);
  } catch (error) {
    supervisor.log.error('what has expired could not be removed', { error });
  }
}

interface Running {
  readonly server: Server;
  readonly events: EventsSocket;
  readonly supervisor: Supervisor;
  readonly store: Store;
  readonly log: Log;
}

async function stopInOrder({ server, events, supervisor, store, log }: Running): Promise<void> {
  try {
    const drained = new Promise<void>((resolve) => {
      server.tryShutdown(() => resolve());
    });
    await withDeadline(drained, drainTimeoutMs, 'calls under way');
  } catch (error) {
    log.info('cutting off what is still under way', { reason: messageOf(error) });
    server.forceShutdown();
  }
  await Promise.all(supervisor.tasks.list().map(async (task) => task.shim?.close()));
  await events.close();
  await supervisor.transfers.queue.idle();
  await supervisor.queue.idle();
  await supervisor.layers.close();
  await closeImageStorage(supervisor.images);
  await store.close();
  log.info('stopped');
}
