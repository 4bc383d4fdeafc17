// Health and reflection, which few clients ask for: the libraries that serve them are loaded at the first call, since they
// would cost every start more than a third of its time, and every daemon a quarter of its memory.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as grpc from '@grpc/grpc-js';

const require = createRequire(import.meta.url);

interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

interface Loaded {
  readonly definition: grpc.MethodDefinition<unknown, unknown>;
  readonly handle: (...call: unknown[]) => void;
}

/** What the libraries want of a server. */
type Registry = Pick<grpc.Server, 'addService'>;

const health = (name: string, responseStream = false): Method => ({
  path: `/grpc.health.v1.Health/${name}`,
  requestStream: false,
  responseStream,
});
const reflection = (version: string): Method => ({
  path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
  requestStream: true,
  responseStream: true,
});

export function addHealth(server: grpc.Server): void {
  addLate(server, [health('Check'), health('Watch', true), health('List')], (registry) => {
    const { HealthImplementation } = require('grpc-health-check') as typeof import('grpc-health-check');
    new HealthImplementation({ '': 'SERVING' }).addToServer(registry);
  });
}

/** `protos` are the files, below `directory`, of the services that the server answers. */
export function addReflection(server: grpc.Server, directory: string, protos: readonly string[]): void {
  addLate(server, [reflection('v1'), reflection('v1alpha')], (registry) => {
    const { loadSync } = require('@grpc/proto-loader') as typeof import('@grpc/proto-loader');
    const { ReflectionService } = require('@grpc/reflection') as typeof import('@grpc/reflection');
    const files = protos.map((file) => join(directory, file));
    const loaded = loadSync(files, { includeDirs: [directory], longs: String, enums: String });
    new ReflectionService(loaded).addToServer(registry);
  });
}

function addLate(server: grpc.Server, methods: readonly Method[], load: (registry: Registry) => void): void {
  let loaded: Map<string, Loaded> | undefined;
  const find = (path: string): Loaded => {
    loaded ??= capture(load);
    const found = loaded.get(path);
    if (found === undefined) throw new Error(`${path} is not served by the library that was loaded for it`);
    return found;
  };
  const definition = methods.map((method): [string, grpc.MethodDefinition<unknown, unknown>] => {
    const { path } = method;
    return [
      path,
      {
        ...method,
        requestSerialize: (value) => find(path).definition.requestSerialize(value),
        requestDeserialize: (bytes) => find(path).definition.requestDeserialize(bytes),
        responseSerialize: (value) => find(path).definition.responseSerialize(value),
        responseDeserialize: (bytes) => find(path).definition.responseDeserialize(bytes),
      },
    ];
  });
  const handlers = methods.map(({ path }) => [path, (...call: unknown[]) => find(path).handle(...call)] as const);
  server.addService(Object.fromEntries(definition), Object.fromEntries(handlers));
}

/** The methods that a library would add to a server, by path. */
function capture(load: (registry: Registry) => void): Map<string, Loaded> {
  const captured = new Map<string, Loaded>();
  load({
    addService: (service, implementation) => {
      for (const [name, definition] of Object.entries(service)) {
        const handle = implementation[name] ?? implementation[definition.originalName ?? name];
        if (handle !== undefined) captured.set(definition.path, { definition, handle: handle as Loaded['handle'] });
      }
    },
  });
  return captured;
}
