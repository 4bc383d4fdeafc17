// berth.v1.Images: images between here, registries and archives.
import { gatheredPieces } from '../base/gathered-pieces.js';
import {
  type ExportImagesResponse,
  ImagesService,
  type ImageSummary,
  type PullImageResponse,
  type PushImageResponse,
} from '../generated/berth/v1/images.js';
import { TransferProgress } from '../images/transfer/transfer-progress.js';
import { exportImages } from '../supervisor/transfers/export-images.js';
import { importImages } from '../supervisor/transfers/import-images.js';
import { inspectImage, summarizeImages } from '../supervisor/transfers/inspect-image.js';
import { type NamedImage, pullImage } from '../supervisor/transfers/pull-image.js';
import { pushImage } from '../supervisor/transfers/push-image.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import type { Handlers } from './service.js';
import { blobToWire, descriptorToWire, namedToWire, storedToWire, summaryToWire } from './transfer-messages.js';
import { importFromWire, platformFromWire, pullFromWire, pushFromWire } from './transfer-requests.js';

/** Bytes of one message of an export. */
const exportPieceBytes = 512 * 1024;

export function transfersHandlers(supervisor: Supervisor): Handlers<typeof ImagesService> {
  return {
    async *pull(request, call): AsyncGenerator<PullImageResponse, void, undefined> {
      const progress = new TransferProgress();
      const resolved: NamedImage[] = [];
      const watcher = { progress, onResolved: (image: NamedImage) => void resolved.push(image) };
      const work = pullImage(supervisor, call.namespace(), pullFromWire(request), watcher, call.signal);
      const pulled = progress.endWith(work);
      for await (const blobs of progress.reports()) {
        for (const image of resolved.splice(0)) yield { progress: { $case: 'resolved', value: namedToWire(image) } };
        for (const blob of blobs) yield { progress: { $case: 'blob', value: blobToWire(blob) } };
      }
      yield { progress: { $case: 'image', value: storedToWire(await pulled) } };
    },
    async *push(request, call): AsyncGenerator<PushImageResponse, void, undefined> {
      const progress = new TransferProgress();
      const work = pushImage(supervisor, call.namespace(), pushFromWire(request), progress, call.signal);
      const pushed = progress.endWith(work);
      for await (const blobs of progress.reports()) {
        for (const blob of blobs) yield { progress: { $case: 'blob', value: blobToWire(blob) } };
      }
      yield { progress: { $case: 'pushed', value: namedToWire(await pushed) } };
    },
    import: async (messages, call) => {
      const images = await importImages(supervisor, call.namespace(), await importFromWire(messages), call.signal);
      return { images: images.map(storedToWire) };
    },
    async *export({ images, platform }, call): AsyncGenerator<ExportImagesResponse, void, undefined> {
      const only = platform === '' ? undefined : platformFromWire(platform);
      const archive = exportImages(supervisor, call.namespace(), { images, platform: only, forDocker: true });
      for await (const data of gatheredPieces(archive, exportPieceBytes)) yield { data };
    },
    list: async ({ filters }, call) => {
      const images: ImageSummary[] = [];
      for await (const image of summarizeImages(supervisor, call.namespace(), filters)) {
        images.push(summaryToWire(image));
      }
      return { images };
    },
    inspect: async ({ image, platform }, call) => {
      const found = await inspectImage(supervisor, call.namespace(), image, platformFromWire(platform));
      return {
        image: summaryToWire(found.summary),
        manifest: descriptorToWire(found.manifest),
        configuration: descriptorToWire(found.config),
        configurationContent: found.configContent,
        layers: found.layers.map(({ blob, diffId, chainId, snapshotters }) => ({
          blob: descriptorToWire(blob),
          diffId,
          chainId,
          snapshotters: [...snapshotters],
        })),
      };
    },
  };
}
