// What the gRPC fuzzer sends: every RPC that berthd serves, by its generated definition, with random messages and
// headers.
import { CheckpointsService } from '../../../src/generated/berth/v1/checkpoints.js';
import { EventsService as JournalService } from '../../../src/generated/berth/v1/events.js';
import { ExitsService } from '../../../src/generated/berth/v1/exits.js';
import { MaintenanceService } from '../../../src/generated/berth/v1/maintenance.js';
import { StorageService } from '../../../src/generated/berth/v1/storage.js';
import { ImagesService as TransfersService } from '../../../src/generated/berth/v1/images.js';
import { ContainersService } from '../../../src/generated/containerd/services/containers/v1/containers.js';
import { ContentService } from '../../../src/generated/containerd/services/content/v1/content.js';
import { DiffService } from '../../../src/generated/containerd/services/diff/v1/diff.js';
import { EventsService } from '../../../src/generated/containerd/services/events/v1/events.js';
import { ImagesService } from '../../../src/generated/containerd/services/images/v1/images.js';
import { IntrospectionService } from '../../../src/generated/containerd/services/introspection/v1/introspection.js';
import { LeasesService } from '../../../src/generated/containerd/services/leases/v1/leases.js';
import { NamespacesService } from '../../../src/generated/containerd/services/namespaces/v1/namespace.js';
import { SnapshotsService } from '../../../src/generated/containerd/services/snapshots/v1/snapshots.js';
import { TasksService } from '../../../src/generated/containerd/services/tasks/v1/tasks.js';
import { VersionService } from '../../../src/generated/containerd/services/version/v1/version.js';
import { containerMessage } from '../../helpers/containers.js';
import type { TestDaemon } from '../../helpers/daemon.js';
import type { Random } from '../chaos/random.js';
import { type Dictionary, MessageMaker } from './message-maker.js';
import { MessageShapes } from './message-shapes.js';

interface Rpc {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

const services: readonly Readonly<Record<string, Rpc>>[] = [
  CheckpointsService,
  ContainersService,
  ContentService,
  DiffService,
  EventsService,
  ExitsService,
  ImagesService,
  IntrospectionService,
  JournalService,
  LeasesService,
  MaintenanceService,
  NamespacesService,
  SnapshotsService,
  StorageService,
  TasksService,
  TransfersService,
  VersionService,
];

/** It does what it says. */
const shutdown = MaintenanceService.shutdown.path;

export const servedRpcs: readonly Rpc[] = services
  .flatMap((service) => Object.values(service))
  .filter(({ path }) => path !== shutdown);

const protos = [
  ...['checkpoints', 'events', 'exits', 'maintenance', 'storage', 'images'].map((name) => `berth/v1/${name}.proto`),
  ...[
    'containers',
    'content',
    'diff',
    'events',
    'images',
    'introspection',
    'leases',
    'snapshots',
    'tasks',
    'version',
  ].map((name) => `containerd/services/${name}/v1/${name}.proto`),
  'containerd/services/namespaces/v1/namespace.proto',
];

export interface GrpcInput {
  readonly rpc: Rpc;
  readonly namespace: string;
  readonly lease: string;
  /** One, or some for a stream. */
  readonly messages: readonly Buffer[];
}

const maxStreamMessages = 4;
/** Of so many calls one goes to some other namespace. */
const oneInOtherNamespaces = 10;

export class GrpcInputs {
  readonly #random: Random;
  readonly #maker: MessageMaker;
  readonly #namespace: string;
  readonly #requests = new Map<string, string>();

  constructor(daemon: TestDaemon, random: Random) {
    const shapes = new MessageShapes(protos);
    for (const { path, request } of shapes.rpcs) this.#requests.set(path, request);
    this.#random = random;
    this.#maker = new MessageMaker(shapes, dictionary(daemon), random);
    this.#namespace = daemon.namespace;
  }

  next(): GrpcInput {
    const rpc = this.#random.pick(servedRpcs);
    const request = this.#requests.get(rpc.path);
    if (request === undefined) throw new Error(`${rpc.path} is in none of the protos`);
    const count = rpc.requestStream ? 1 + this.#random.below(maxStreamMessages) : 1;
    const messages = Array.from({ length: count }, () => this.#maker.any(request));
    return {
      rpc,
      messages,
      namespace: this.#pickNamespace(),
      lease: this.#random.pick(['', '', 'l1', 'l2', 'no lease']),
    };
  }

  #pickNamespace(): string {
    if (this.#random.below(oneInOtherNamespaces) > 0) return this.#namespace;
    return this.#random.pick(['', 'other', '..', '../../x', 'a/b', 'x'.repeat(200), 'not here', '-']);
  }
}

/** Everything that names a place on the host names one of the test's own. */
function dictionary(daemon: TestDaemon): Dictionary {
  const ids = ['live', 'c1', 'c2', 'c3'];
  const specs = ids.map(
    (id) => containerMessage(daemon, id, ['/bin/sh', '-c', 'exit 3']).spec?.value ?? Buffer.alloc(0),
  );
  const exec = Buffer.from(
    JSON.stringify({ args: ['/bin/true'], cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'] }),
  );
  const names = ['n1', 'n2', 'n3', 'live', 'c1'];
  const digests = [1, 2, 3].map((digit) => `sha256:${String(digit).repeat(64)}`);
  const sinks = [
    '',
    '',
    `file://${daemon.path('out')}`,
    daemon.path('nothing'),
    'binary:///bin/true',
    'ftp://x',
    'fifo',
  ];
  return {
    containerId: ids,
    id: [...ids, 'l1', 'l2'],
    execId: ['', 'e1', 'e2'],
    name: [...names, daemon.namespace, 'other', 'io.containerd.runc.v2'],
    key: [...names, 'containerd.io/gc.root'],
    parent: ['', ...names],
    ref: ['r1', 'r2'],
    snapshotKey: names,
    snapshotter: ['overlayfs', 'native'],
    digest: digests,
    expected: digests,
    stdin: ['', '', daemon.path('nothing')],
    stdout: sinks,
    stderr: sinks,
    // `bind` and `overlay` would take directories of the host that no test may touch.
    type: ['tmpfs', 'nosuch'],
    source: ['tmpfs', daemon.path('nothing')],
    target: ['', 'a', '../..'],
    options: ['ro', 'rw', 'size=64k', 'nosuch=1', 'rbind'],
    typeUrl: [
      'types.containerd.io/opencontainers/runtime-spec/1/Spec',
      'types.containerd.io/opencontainers/runtime-spec/1/Process',
      'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources',
      'containerd.runc.v1.CheckpointOptions',
    ],
    value: [...specs, exec, Buffer.from('{}'), Buffer.from('{"memory":{"limit":16777216}}'), Buffer.from('null')],
    filters: ['id==live', 'name~=^c', 'labels."a"==b', 'topic==/tasks/exit', '(', 'a==', '!=x'],
    filter: ['id==live', ''],
    paths: ['labels', 'labels.a', 'spec', 'image', 'runtime', 'nosuch', ''],
    // Forged under a topic of ours they would be findings of a check.
    topic: ['/a/b', '/images/pull'],
    runtimePath: [''],
    signal: [0, 1, 9, 15, 64, 65],
    action: [0, 1, 2],
    mediaType: ['application/vnd.oci.image.layer.v1.tar', 'application/vnd.oci.image.layer.v1.tar+gzip'],
    // Kept small, so that a write does not wait for what never comes.
    offset: [0, 0, 5],
    size: [0, 5],
    total: [0, 5],
    seconds: [0, 1, 253_402_300_799],
  };
}
