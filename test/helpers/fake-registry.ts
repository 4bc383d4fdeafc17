// A registry in node:http that tells the truth until a test says otherwise: each answer can be changed, and it may want
// tokens of a server beside it, or speak TLS.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { rawTar } from './raw-tar.js';

export interface FakeBlob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface FakeRequest {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** Answers in place of the registry, and returns true; false leaves it to the registry. */
export type Override = (request: IncomingMessage, answer: ServerResponse) => boolean;

const type = (name: string) => `application/vnd.oci.image.${name}`;

export class FakeRegistry {
  readonly #server: Server;
  readonly #blobs = new Map<string, Buffer>();
  readonly #manifests = new Map<string, { readonly mediaType: string; readonly content: Buffer }>();
  readonly requests: FakeRequest[] = [];
  override: Override | undefined;

  private constructor(tls: ServerOptions | undefined) {
    const listener = (request: IncomingMessage, answer: ServerResponse): void => this.#answer(request, answer);
    this.#server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  }

  static async start(tls?: ServerOptions): Promise<FakeRegistry> {
    const registry = new FakeRegistry(tls);
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  reference(image: string): string {
    return `127.0.0.1:${this.port}/${image}`;
  }

  blob(mediaType: string, content: Buffer | object): FakeBlob {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    this.#blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** Forgets every image. */
  clear(): void {
    this.#blobs.clear();
    this.#manifests.clear();
    this.requests.length = 0;
  }

  /** By tag, and by its digest. */
  manifest(tag: string, mediaType: string, content: Buffer | object): FakeBlob {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    for (const name of [tag, digest]) this.#manifests.set(name, { mediaType, content: bytes });
    return { mediaType, digest, size: bytes.length };
  }

  /** One layer for each of `layers`, which is the content of its one file, or of all by their names. */
  image(
    tag: string,
    layers: Buffer | readonly (Buffer | Readonly<Record<string, Buffer>>)[],
    change: (manifest: Record<string, unknown>) => object = (same) => same,
  ): FakeBlob {
    const tars = [layers].flat().map((layer, index) => {
      const files = Buffer.isBuffer(layer) ? { [`file${index || ''}`]: layer } : layer;
      return rawTar(Object.entries(files).map(([name, content]) => ({ name, content })));
    });
    const diffIds = tars.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`);
    const rootfs = { type: 'layers', diff_ids: diffIds };
    const config = this.blob(type('config.v1+json'), { architecture: 'amd64', os: 'linux', config: {}, rootfs });
    const blobs = tars.map((tar) => this.blob(type('layer.v1.tar+gzip'), gzipSync(tar)));
    const mediaType = type('manifest.v1+json');
    return this.manifest(tag, mediaType, change({ schemaVersion: 2, mediaType, config, layers: blobs }));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(request: IncomingMessage, answer: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    this.requests.push({ method, url, authorization: headers.authorization, range: headers.range });
    if (this.override?.(request, answer) !== true) this.serve(request, answer);
  }

  /** Answers with the truth: for an override that has made the client wait. */
  serve({ method = '', url = '', headers }: IncomingMessage, answer: ServerResponse): void {
    const [, kind = '', name = ''] = /\/(manifests|blobs)\/([^/?]+)$/.exec(url) ?? [];
    const manifest = kind === 'manifests' ? this.#manifests.get(name) : undefined;
    const content = manifest?.content ?? (kind === 'blobs' ? this.#blobs.get(name) : undefined);
    if (content === undefined) {
      answer.writeHead(url === '/v2/' ? 200 : 404).end();
      return;
    }
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const rest = content.subarray(start);
    answer.writeHead(start === 0 ? 200 : 206, {
      'content-type': manifest?.mediaType ?? 'application/octet-stream',
      'content-length': rest.length,
      ...(start > 0 && { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }),
    });
    answer.end(method === 'HEAD' ? undefined : rest);
  }
}
