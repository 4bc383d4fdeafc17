// What every verb of this folder works with: the records, the live tasks, and the one queue through which each
// container's changes go.
import { join } from 'node:path';
import { KeyedQueue } from '../base/keyed-queue.js';
import type { Log } from '../base/log.js';
import type { ImageStorage } from '../images/image-storage.js';
import type { RegistrySettings } from '../images/registry/open-registry.js';
import type { LayerStorage } from '../images/layer-storage.js';
import type { LaunchCounts } from '../shims/launch-counts.js';
import type { RuntimeNames } from '../domain/runtime-name.js';
import { nowNanos } from '../domain/time.js';
import { EventInboxes } from '../shims/foreign/event-inbox.js';
import type { ForeignSettings } from '../shims/foreign/shim-binary.js';
import type { ShimLauncher } from '../shims/launcher.js';
import type { Store } from '../store/store.js';
import { foreignShims } from './foreign-shims.js';
import type { DaemonStart } from './live-events.js';
import { LiveTasks } from './live-tasks.js';
import type { OrphanReaper } from './orphan-reaper.js';
import { ownShims } from './own-shims.js';
import type { ShimKind } from './shim-kind.js';
import type { Transfers } from './transfers/transfers.js';

export interface Supervisor {
  readonly store: Store;
  readonly tasks: LiveTasks;
  readonly images: ImageStorage;
  readonly layers: LayerStorage;
  readonly transfers: Transfers;
  /** Keys: `keyString` of a container, or a namespace's name. */
  readonly queue: KeyedQueue;
  readonly launcher: ShimLauncher;
  readonly launchCounts: () => LaunchCounts;
  readonly shimKinds: { readonly own: ShimKind; readonly foreign: ShimKind };
  /** What foreign shims tell, by container. */
  readonly inboxes: EventInboxes;
  readonly orphans: OrphanReaper;
  readonly log: Log;
  readonly rootDirectory: string;
  readonly stateDirectory: string;
  /** Where containers' work directories lie. */
  readonly containersDirectory: string;
  /** Where the catalogue keeps its checkpoints. */
  readonly checkpointsDirectory: string;
  readonly runtime: RuntimeDefaults;
  readonly start: DaemonStart;
  /** How long exits are kept after their tasks are gone. */
  readonly exitRetentionSeconds: number;
  /** Aborted when the daemon stops: connections to shims then end on purpose. */
  readonly closing: AbortSignal;
  /** Asks the daemon to stop, as SIGTERM does. */
  readonly requestStop: () => void;
}

/** What a task gets where its options do not say otherwise. */
export interface RuntimeDefaults {
  /** The OCI runtime's binary: a name on PATH or an absolute path. */
  readonly binary: string;
  /** The directory below which the runtime keeps one directory per namespace. */
  readonly root: string;
  /** The absolute path of `criu`; empty: the one that the runtime finds on PATH. */
  readonly criu: string;
  /** What runtime names mean, where it is not what they mean by themselves. */
  readonly names: RuntimeNames;
  /** The directories, separated by colons, in which shims are looked for by name. */
  readonly searchPath: string;
}

export function createSupervisor(options: {
  readonly orphans: OrphanReaper;
  readonly store: Store;
  readonly images: ImageStorage;
  readonly layers: LayerStorage;
  readonly registries: RegistrySettings;
  readonly launcher: ShimLauncher;
  readonly launchCounts: () => LaunchCounts;
  readonly log: Log;
  readonly rootDirectory: string;
  readonly stateDirectory: string;
  readonly containersDirectory: string;
  readonly checkpointsDirectory: string;
  readonly closing: AbortSignal;
  readonly requestStop: () => void;
  readonly exitRetentionSeconds: number;
  readonly runtime: Omit<RuntimeDefaults, 'root'>;
  readonly foreign: ForeignSettings;
}): Supervisor {
  const { foreign, registries, ...rest } = options;
  const transfers = { ...registries, queue: new KeyedQueue() };
  const runtime = { ...options.runtime, root: join(options.stateDirectory, 'runc') };
  const inboxes = new EventInboxes();
  const shimKinds = { own: ownShims, foreign: foreignShims(foreign, inboxes) };
  const start = { time: nowNanos(), number: options.store.journal.head().last };
  return { ...rest, transfers, runtime, inboxes, shimKinds, start, tasks: new LiveTasks(), queue: new KeyedQueue() };
}
