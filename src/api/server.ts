// The gRPC server: every service, health and reflection.
import { Server } from '@grpc/grpc-js';
import type { Log } from '../base/log.js';
import { CheckpointsService } from '../generated/berth/v1/checkpoints.js';
import { EventsService as JournalService } from '../generated/berth/v1/events.js';
import { ExitsService } from '../generated/berth/v1/exits.js';
import { ImagesService as TransfersService } from '../generated/berth/v1/images.js';
import { MaintenanceService } from '../generated/berth/v1/maintenance.js';
import { StorageService } from '../generated/berth/v1/storage.js';
import { ContainersService } from '../generated/containerd/services/containers/v1/containers.js';
import { DiffService } from '../generated/containerd/services/diff/v1/diff.js';
import { EventsService } from '../generated/containerd/services/events/v1/events.js';
import { ImagesService } from '../generated/containerd/services/images/v1/images.js';
import { IntrospectionService } from '../generated/containerd/services/introspection/v1/introspection.js';
import { LeasesService } from '../generated/containerd/services/leases/v1/leases.js';
import { NamespacesService } from '../generated/containerd/services/namespaces/v1/namespace.js';
import { SnapshotsService } from '../generated/containerd/services/snapshots/v1/snapshots.js';
import { StreamingService } from '../generated/containerd/services/streaming/v1/streaming.js';
import { TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import { TransferService } from '../generated/containerd/services/transfer/v1/transfer.js';
import { VersionService } from '../generated/containerd/services/version/v1/version.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import type { BuildInfo } from './build-info.js';
import { checkpointsHandlers } from './checkpoints.js';
import { containersHandlers } from './containers.js';
import { contentHandlers, contentService } from './content.js';
import { diffHandlers } from './diff.js';
import { eventsHandlers } from './events.js';
import { exitsHandlers } from './exits.js';
import { imagesHandlers } from './images.js';
import { introspectionHandlers } from './introspection.js';
import { journalHandlers } from './journal.js';
import { addHealth, addReflection } from './late-services.js';
import { leasesHandlers } from './leases.js';
import { maintenanceHandlers } from './maintenance.js';
import { namespacesHandlers } from './namespaces.js';
import { addService, callOptions } from './service.js';
import { snapshotsHandlers } from './snapshots.js';
import { storageHandlers } from './storage.js';
import { ClientStreams } from './streaming/client-streams.js';
import { streamingHandlers } from './streaming/streaming.js';
import { tasksHandlers } from './tasks.js';
import { transferHandlers } from './transfer/transfer.js';
import { transfersHandlers } from './transfers.js';
import { versionHandlers } from './version.js';

/** Bytes of one message; containerd's default. */
const maxMessageBytes = 16 * 1024 * 1024;

/** Calls at once on one connection; an orchestrator waits for each of its containers. */
const maxStreams = 10_000;

/** The files, below the proto directory, of the services that this server answers. */
const servedProtos = [
  'berth/v1/checkpoints.proto',
  'berth/v1/events.proto',
  'berth/v1/exits.proto',
  'berth/v1/images.proto',
  'berth/v1/maintenance.proto',
  'berth/v1/storage.proto',
  'containerd/services/containers/v1/containers.proto',
  'containerd/services/content/v1/content.proto',
  'containerd/services/diff/v1/diff.proto',
  'containerd/services/events/v1/events.proto',
  'containerd/services/images/v1/images.proto',
  'containerd/services/introspection/v1/introspection.proto',
  'containerd/services/leases/v1/leases.proto',
  'containerd/services/namespaces/v1/namespace.proto',
  'containerd/services/snapshots/v1/snapshots.proto',
  'containerd/services/streaming/v1/streaming.proto',
  'containerd/services/tasks/v1/tasks.proto',
  'containerd/services/transfer/v1/transfer.proto',
  'containerd/services/version/v1/version.proto',
];

export interface ApiOptions {
  readonly supervisor: Supervisor;
  readonly log: Log;
  readonly uuid: string;
  readonly build: BuildInfo;
  readonly protoDirectory: string;
}

export function createServer({ supervisor, log, uuid, build, protoDirectory }: ApiOptions): Server {
  const server = new Server({
    ...callOptions,
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    // Counts every call for a service that is not served here.
    'grpc.enable_channelz': 0,
    'grpc.max_concurrent_streams': maxStreams,
  });
  const context = { log, closing: supervisor.closing };
  addService(server, VersionService, versionHandlers(build), context);
  addService(
    server,
    IntrospectionService,
    introspectionHandlers(uuid, supervisor.layers.snapshots.snapshotters),
    context,
  );
  addService(server, NamespacesService, namespacesHandlers(supervisor), context);
  addService(server, ContainersService, containersHandlers(supervisor), context);
  addService(server, TasksService, tasksHandlers(supervisor), context);
  addService(server, EventsService, eventsHandlers(supervisor), context);
  addService(server, LeasesService, leasesHandlers(supervisor), context);
  addService(server, contentService, contentHandlers(supervisor.images), context);
  addService(server, ImagesService, imagesHandlers(supervisor.images), context);
  addService(server, SnapshotsService, snapshotsHandlers(supervisor.layers.snapshots), context);
  addService(server, DiffService, diffHandlers(supervisor.layers.work), context);
  const streams = new ClientStreams();
  addService(server, StreamingService, streamingHandlers(streams), context);
  addService(server, TransferService, transferHandlers(supervisor, streams), context);
  addService(server, JournalService, journalHandlers(supervisor), context);
  addService(server, ExitsService, exitsHandlers(supervisor), context);
  addService(server, CheckpointsService, checkpointsHandlers(supervisor), context);
  addService(server, TransfersService, transfersHandlers(supervisor), context);
  addService(server, MaintenanceService, maintenanceHandlers(supervisor), context);
  addService(server, StorageService, storageHandlers(supervisor), context);
  addHealth(server);
  addReflection(server, protoDirectory, servedProtos);
  return server;
}
