// berth.v1.Storage: a container's root file system and what is kept beside it.
import type { ImageDefaults } from '../domain/oci-image.js';
import { hostPlatform, parsePlatform } from '../domain/platform.js';
import {
  type ImageDefaults as WireDefaults,
  type PrepareContainerResponse,
  StorageService,
} from '../generated/berth/v1/storage.js';
import type { Descriptor as WireDescriptor } from '../generated/containerd/types/descriptor.js';
import type { Descriptor } from '../domain/image-records.js';
import { commitContainer } from '../supervisor/storage/commit-container.js';
import { haveDirectories } from '../supervisor/storage/container-directories.js';
import { exportContainer } from '../supervisor/storage/export-container.js';
import { getMetadata, listMetadata, removeMetadata, setMetadata } from '../supervisor/storage/metadata.js';
import { listRootMounts, mountContainer, unmountContainer } from '../supervisor/storage/mount-container.js';
import { type PreparedContainer, prepareContainer } from '../supervisor/storage/prepare-container.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';
import type { Handlers } from './service.js';

export function storageHandlers(supervisor: Supervisor): Handlers<typeof StorageService> {
  return {
    prepare: async ({ platform, ...request }, call) => {
      const wanted = platform === '' ? hostPlatform(process.arch) : parsePlatform(platform);
      const prepared = await prepareContainer(supervisor, call.scope(), { ...request, platform: wanted }, call.signal);
      return preparedToWire(prepared);
    },
    directories: async ({ containerId }, call) => {
      const { work, run } = await haveDirectories(supervisor, call.container(containerId));
      return { workDirectory: work, runDirectory: run };
    },
    setMetadata: async ({ containerId, name, value }, call) => {
      await setMetadata(supervisor, call.container(containerId), { name, value });
      return {};
    },
    getMetadata: async ({ containerId, name }, call) => {
      const { value, updatedAt } = await getMetadata(supervisor, call.container(containerId), name);
      return { value: Buffer.from(value), updatedAt: timestampFromNanos(updatedAt) };
    },
    listMetadata: async ({ containerId }, call) => {
      const records = await listMetadata(supervisor, call.container(containerId));
      return {
        entries: records.map(({ name, value, updatedAt }) => ({
          name,
          size: BigInt(value.length),
          updatedAt: timestampFromNanos(updatedAt),
        })),
      };
    },
    removeMetadata: async ({ containerId, name }, call) => {
      await removeMetadata(supervisor, call.container(containerId), name);
      return {};
    },
    mount: async ({ containerId, label }, call) => {
      const { path, count } = await mountContainer(supervisor, call.container(containerId), label);
      return { path, count };
    },
    unmount: async ({ containerId, force }, call) => ({
      count: await unmountContainer(supervisor, call.container(containerId), { force }),
    }),
    listMounts: async (_request, call) => {
      const mounts = await listRootMounts(supervisor, call.namespace());
      return {
        mounts: mounts.map(({ id, path, count, label, mountedAt }) => ({
          containerId: id,
          path,
          count,
          label,
          mountedAt: timestampFromNanos(mountedAt),
        })),
      };
    },
    async *export({ containerId }, call) {
      for await (const data of exportContainer(supervisor, call.container(containerId), call.signal)) {
        yield { data: Buffer.from(data.buffer, data.byteOffset, data.byteLength) };
      }
    },
    commit: async ({ containerId, ...request }, call) => {
      const options = { lease: call.lease(), request, signal: call.signal };
      const { target, image } = await commitContainer(supervisor, call.container(containerId), options);
      return { target: descriptorToWire(target), image };
    },
  };
}

function preparedToWire(prepared: PreparedContainer): PrepareContainerResponse {
  const { image, manifest, snapshotter, snapshotKey, mounts, user, volumes } = prepared;
  return {
    image,
    manifest: descriptorToWire(manifest),
    snapshotter,
    snapshotKey,
    mounts: mounts.map((mount) => ({ ...mount, options: [...mount.options] })),
    defaults: defaultsToWire(prepared.defaults),
    user: { ...user, additionalGids: [...user.additionalGids] },
    volumes: [...volumes],
  };
}

function defaultsToWire({ Entrypoint, Cmd, Env, WorkingDir, StopSignal, Labels }: ImageDefaults): WireDefaults {
  return {
    entrypoint: [...(Entrypoint ?? [])],
    cmd: [...(Cmd ?? [])],
    env: [...(Env ?? [])],
    workingDir: WorkingDir ?? '',
    stopSignal: StopSignal ?? '',
    labels: { ...Labels },
  };
}

function descriptorToWire({ mediaType, digest, size, annotations }: Descriptor): WireDescriptor {
  return { mediaType, digest, size: BigInt(size), annotations: { ...annotations } };
}
