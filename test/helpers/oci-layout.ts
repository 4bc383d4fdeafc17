// OCI image layouts made by hand: blobs, configurations, manifests, indexes.
import { gzipSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './program.js';

export interface OciDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

const type = (name: string) => `application/vnd.oci.image.${name}`;

export class OciLayout {
  readonly #directory: string;
  readonly #level: number | undefined;

  private constructor(directory: string, level: number | undefined) {
    this.#directory = directory;
    this.#level = level;
  }

  /** `level` is gzip's; 1 saves seconds where layers are large. */
  static async create(directory: string, level?: number): Promise<OciLayout> {
    await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true });
    await writeFile(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    return new OciLayout(directory, level);
  }

  async blob(mediaType: string, content: Buffer | object): Promise<OciDescriptor> {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const hex = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(this.#directory, 'blobs', 'sha256', hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  }

  /** An image with these uncompressed layers, which are compressed for it. */
  async image(
    layers: readonly Buffer[],
    architecture = 'amd64',
    config: object = {},
    compression: 'gzip' | 'zstd' = 'gzip',
  ): Promise<OciDescriptor> {
    const diffIds = layers.map((layer) => `sha256:${createHash('sha256').update(layer).digest('hex')}`);
    const rootfs = { type: 'layers', diff_ids: diffIds };
    const configuration = await this.blob(type('config.v1+json'), { architecture, os: 'linux', config, rootfs });
    const descriptors: OciDescriptor[] = [];
    for (const layer of layers) {
      const blob = compression === 'gzip' ? this.#gzipped(layer) : await byZstd(layer);
      descriptors.push(await this.blob(type(`layer.v1.tar+${compression}`), blob));
    }
    const mediaType = type('manifest.v1+json');
    const manifest = { schemaVersion: 2, mediaType, config: configuration, layers: descriptors };
    return { ...(await this.blob(mediaType, manifest)), platform: { os: 'linux', architecture } };
  }

  #gzipped(layer: Buffer): Buffer {
    return gzipSync(layer, { ...(this.#level !== undefined && { level: this.#level }) });
  }

  async index(manifests: readonly OciDescriptor[]): Promise<OciDescriptor> {
    const mediaType = type('index.v1+json');
    return await this.blob(mediaType, { schemaVersion: 2, mediaType, manifests });
  }

  /** What the layout is of. */
  async finish(root: OciDescriptor): Promise<void> {
    await writeFile(join(this.#directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [root] }));
  }
}

async function byZstd(layer: Buffer): Promise<Buffer> {
  return (await runProgram('zstd', ['-q', '-c', '-'], { input: layer })).stdoutBytes;
}
