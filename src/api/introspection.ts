// containerd.services.introspection.v1: who this server is, and what it serves. Most `ctr` commands ask first.
import { readlinkSync } from 'node:fs';
import { BerthError, statusCodes } from '../domain/errors.js';
import { mapField, parseFilters } from '../domain/filter.js';
import {
  type IntrospectionService,
  type Plugin,
} from '../generated/containerd/services/introspection/v1/introspection.js';
import type { Snapshotter } from '../images/snapshots/snapshotter.js';
import type { Handlers } from './service.js';

interface PluginFacts extends Pick<Plugin, 'type' | 'id'> {
  readonly exports?: Plugin['exports'];
  /** Why it does not work here. */
  readonly failure?: string | undefined;
}

/** What runs here, under the names by which containerd's clients look for it. */
const plugins: readonly PluginFacts[] = [
  { type: 'io.containerd.metadata.v1', id: 'leveldb' },
  { type: 'io.containerd.event.v1', id: 'journal' },
  { type: 'io.containerd.content.v1', id: 'content' },
  { type: 'io.containerd.gc.v1', id: 'scheduler' },
  { type: 'io.containerd.runtime.v2', id: 'task' },
  { type: 'io.containerd.differ.v1', id: 'walking' },
  { type: 'io.containerd.streaming.v1', id: 'manager' },
  { type: 'io.containerd.transfer.v1', id: 'local' },
  ...[
    'containers',
    'content',
    'diff',
    'events',
    'healthcheck',
    'images',
    'introspection',
    'leases',
    'namespaces',
    'snapshots',
    'streaming',
    'tasks',
    'transfer',
    'version',
  ].map((id) => ({
    type: 'io.containerd.grpc.v1',
    id,
  })),
];

export function introspectionHandlers(
  uuid: string,
  snapshotters: readonly Snapshotter[],
): Handlers<typeof IntrospectionService> {
  const all = [...plugins, ...snapshotters.map(snapshotterPlugin)].map(pluginOf);
  return {
    server: async () => ({ uuid, pid: BigInt(process.pid), pidns: pidNamespace(), deprecations: [] }),
    plugins: async ({ filters }) => {
      const matches = parseFilters(filters);
      return { plugins: all.filter((plugin) => matches(([field, ...rest]) => fieldOf(plugin, field, rest))) };
    },
    pluginInfo: async ({ type, id }) => {
      const plugin = all.find((candidate) => candidate.type === type && candidate.id === id);
      if (plugin === undefined) throw new BerthError('not-found', `plugin ${type}.${id}: not found`);
      return { plugin, extra: undefined };
    },
  };
}

function snapshotterPlugin({ name, root, unavailable }: Snapshotter): PluginFacts {
  return { type: 'io.containerd.snapshotter.v1', id: name, exports: { root }, failure: unavailable };
}

function pluginOf({ type, id, exports = {}, failure }: PluginFacts): Plugin {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const platform = { os: 'linux', architecture, variant: '', osVersion: '' };
  const initErr = failure === undefined ? undefined : { code: statusCodes.unavailable, message: failure, details: [] };
  return { type, id, requires: [], platforms: [platform], exports, capabilities: [], initErr };
}

function fieldOf(plugin: Plugin, field: string | undefined, rest: readonly string[]): string | undefined {
  switch (field) {
    case 'type':
      return plugin.type;
    case 'id':
      return plugin.id;
    case 'exports':
      return mapField(plugin.exports, rest);
    default:
      return undefined;
  }
}

/** The inode of the daemon's pid namespace: pids mean the same only within one. */
function pidNamespace(): bigint {
  const inode = /\[(\d+)\]/.exec(readlinkSync('/proc/self/ns/pid'))?.[1];
  return BigInt(inode ?? 0);
}
