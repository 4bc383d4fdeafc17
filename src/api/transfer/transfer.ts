// containerd.services.transfer.v1: what newer clients have the daemon do with images. Each pair of ends is one of the
// daemon's own transfers, which berth.v1.Images offers as well.
import { BerthError } from '../../domain/errors.js';
import type { TransferService } from '../../generated/containerd/services/transfer/v1/transfer.js';
import type { ImageStore } from '../../generated/containerd/types/transfer/imagestore.js';
import type { ImageExportStream, ImageImportStream } from '../../generated/containerd/types/transfer/importexport.js';
import type { OCIRegistry } from '../../generated/containerd/types/transfer/registry.js';
import { namesByReferences } from '../../images/archive/image-names.js';
import type { RegistryAccess } from '../../images/registry/registry-access.js';
import { TransferProgress } from '../../images/transfer/transfer-progress.js';
import type { Supervisor } from '../../supervisor/supervisor.js';
import { exportImages } from '../../supervisor/transfers/export-images.js';
import { importImages } from '../../supervisor/transfers/import-images.js';
import { type NamedImage, pullImage } from '../../supervisor/transfers/pull-image.js';
import { pushImage } from '../../supervisor/transfers/push-image.js';
import { tagImage } from '../../supervisor/transfers/tag-image.js';
import type { Call } from '../call.js';
import type { Handlers } from '../service.js';
import { receivedBytes, sendBytes } from '../streaming/byte-stream.js';
import type { ClientStreams } from '../streaming/client-streams.js';
import {
  endFromWire,
  exportPlatformOf,
  namesOf,
  platformFromMessage,
  refuseUnknown,
  streamsOf,
  type TransferEnd,
  unpackOf,
  unpackPlatformsOf,
  wantedPlatformsOf,
} from './ends.js';
import { ProgressStream } from './progress-stream.js';
import { accessOf } from './registry-access.js';
import { TakenStreams } from './taken-streams.js';

interface Context {
  readonly supervisor: Supervisor;
  readonly call: Call;
  readonly streams: TakenStreams;
  readonly progress: ProgressStream;
}

export function transferHandlers(
  supervisor: Supervisor,
  clientStreams: ClientStreams,
): Handlers<typeof TransferService> {
  return {
    transfer: async ({ source, destination, options }, call) => {
      const streams = new TakenStreams();
      call.signal.addEventListener('abort', () => streams.close(), { once: true });
      try {
        const progressStream = options?.progressStream ?? '';
        const [from, to] = [endFromWire(source), endFromWire(destination)];
        // Whatever becomes of the call, it has had them.
        streams.take(clientStreams, call.namespace(), [progressStream, ...streamsOf(from), ...streamsOf(to)]);
        const progress = new ProgressStream(streams.find(progressStream));
        await transferBetween(from, to, { supervisor, call, streams, progress });
      } finally {
        streams.close();
      }
      return {};
    },
  };
}

async function transferBetween(from: TransferEnd, to: TransferEnd, context: Context): Promise<void> {
  for (const end of [from, to]) refuseUnknown(end);
  if (from.kind === 'registry' && to.kind === 'store') await pull(from.message, to.message, context);
  else if (from.kind === 'store' && to.kind === 'registry') await push(from.message, to.message, context);
  else if (from.kind === 'store' && to.kind === 'store') await tag(from.message, to.message, context);
  else if (from.kind === 'store' && to.kind === 'export') await exportTo(from.message, to.message, context);
  else if (from.kind === 'import' && to.kind === 'store') await importFrom(from.message, to.message, context);
  else throw new BerthError('unimplemented', `no transfer leads from ${from.kind} to ${to.kind}`);
}

async function pull(registry: OCIRegistry, store: ImageStore, context: Context): Promise<void> {
  const { supervisor, call, progress } = context;
  const names = namesOf(store);
  const [root = ''] = names;
  const from = `OCI Registry (${registry.reference})`;
  await progress.tell(`Resolving from ${from}`);
  const transfer = new TransferProgress();
  const watcher = {
    progress: transfer,
    onResolved: ({ target }: NamedImage) => {
      void progress.tell(`Pulling from ${from}`);
      void progress.tell('fetching image content', root, target);
    },
  };
  const request = {
    reference: registry.reference,
    access: accessIn(registry, context),
    ...wantedPlatformsOf(store),
    ...unpackOf(store),
    unpackPlatforms: unpackPlatformsOf(store),
    names,
    labels: store.labels,
  };
  const pulled = transfer.endWith(pullImage(supervisor, call.namespace(), request, watcher, call.signal));
  await progress.follow('downloading', root, transfer);
  const { target } = await pulled;
  for (const name of names) await progress.tell('saved', name, target);
  await progress.tell(`Completed pull from ${from}`);
}

async function push(store: ImageStore, registry: OCIRegistry, context: Context): Promise<void> {
  const { supervisor, call, progress } = context;
  const { reference } = registry;
  const { name: image } = store;
  const to = `OCI Registry (${reference})`;
  await progress.tell(`Pushing to ${to}`);
  await progress.tell('pushing content', image);
  const transfer = new TransferProgress();
  const request = {
    image,
    reference,
    access: accessIn(registry, context),
    platform: exportPlatformOf(store, undefined),
  };
  const pushed = transfer.endWith(pushImage(supervisor, call.namespace(), request, transfer, call.signal));
  await progress.follow('uploading', image, transfer);
  const { target } = await pushed;
  await progress.tell('pushed content', image, target);
  await progress.tell(`Completed push to ${to}`);
}

async function tag(from: ImageStore, to: ImageStore, { supervisor, call }: Context): Promise<void> {
  await tagImage(supervisor, call.scope(), { image: from.name, names: namesOf(to), labels: to.labels });
}

async function exportTo(
  store: ImageStore,
  to: ImageExportStream,
  { supervisor, call, streams }: Context,
): Promise<void> {
  const stream = streams.get(to.stream);
  const archive = exportImages(supervisor, call.namespace(), {
    images: namesOf(store),
    platform: to.allPlatforms ? undefined : exportPlatformOf(to, platformFromMessage(undefined)),
    forDocker: !to.skipCompatibilityManifest,
  });
  await sendBytes(stream, archive);
}

async function importFrom(from: ImageImportStream, store: ImageStore, context: Context): Promise<void> {
  const { supervisor, call, streams, progress } = context;
  const stream = streams.get(from.stream);
  if (store.name !== '' || store.extraReferences.some(({ isPrefix }) => !isPrefix)) {
    throw new BerthError('unimplemented', "an archive's index gets no name of its own here");
  }
  const [platform, ...others] = unpackPlatformsOf(store);
  if (others.length > 0) throw new BerthError('unimplemented', 'an import unpacks for one platform here');
  await progress.tell('Importing');
  const request = {
    naming: namesByReferences(store.extraReferences),
    labels: store.labels,
    platform: platform ?? platformFromMessage(undefined),
    ...unpackOf(store),
    archive: receivedBytes(stream),
  };
  const images = await importImages(supervisor, call.namespace(), request, call.signal);
  if (images.length === 0) throw new BerthError('not-found', 'no image name found in the archive: not found');
  for (const { name, target } of images) await progress.tell('saved', name, target);
  await progress.tell('Completed import');
}

function accessIn(registry: OCIRegistry, { streams }: Context): RegistryAccess {
  return accessOf(registry, streams.find(registry.resolver?.authStream));
}
