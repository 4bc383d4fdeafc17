// Registries that lie, stall, cut off and never end: a clear refusal of the right kind, and nothing half-made is left.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, afterEach, before, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { ImagesService, type PullImageRequest } from '../../src/generated/berth/v1/images.js';
import { ImagesService as Records } from '../../src/generated/containerd/services/images/v1/images.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { FakeRegistry } from '../helpers/fake-registry.js';
import { removeImages } from '../helpers/images.js';
import { assertClean } from '../helpers/pulled-images.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  registry.override = undefined;
  registry.requests.length = 0;
  await removeImages(daemon());
});

const daemon = useBerthd({ config: 'registry_timeout_ms = 300' });
let registry: FakeRegistry;

before(async () => {
  registry = await FakeRegistry.start();
});

after(async () => await registry.stop());

const indexType = 'application/vnd.oci.image.index.v1+json';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const schema1Type = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
const fileBytes = 2_000_000;

async function pull(tag: string, request: Partial<PullImageRequest> = {}) {
  const whole = {
    reference: registry.reference(`app:${tag}`),
    access: undefined,
    platforms: ['linux/amd64'],
    allPlatforms: false,
    snapshotter: '',
    noUnpack: false,
    ...request,
  };
  const stream = daemon().stream(ImagesService.pull, whole);
  return await stream.ended;
}

function isBlob({ url = '' }: IncomingMessage): boolean {
  return url.includes('/blobs/');
}

/** What cannot be right is not gone on with: its lease is gone too. */
async function refused(tag: string, code: status, message: RegExp): Promise<void> {
  const error = await pull(tag);
  assert.equal(error?.code, code, error?.details);
  assert.match(error?.details ?? '', message);
  const { images } = await daemon().call(Records.list, { filters: [] });
  assert.deepEqual(images, []);
  const { leases } = await daemon().call(LeasesService.list, { filters: [] });
  assert.equal(leases.length, code === status.UNAVAILABLE ? 1 : 0);
  await assertClean(daemon());
}

test('a manifest that is not what its digest says, or what its type says', async () => {
  registry.image('digest', randomBytes(1000));
  registry.override = (request, answer) => {
    if (request.url?.includes('/manifests/') !== true) return false;
    answer.writeHead(200, { 'content-type': manifestType, 'docker-content-digest': `sha256:${'0'.repeat(64)}` });
    answer.end('{}');
    return true;
  };
  await refused('digest', status.FAILED_PRECONDITION, /unexpected digest: not sha256:0{64}/);
  registry.override = undefined;
  registry.manifest('type', indexType, { schemaVersion: 2, mediaType: manifestType, layers: [] });
  await refused('type', status.FAILED_PRECONDITION, /the registry says .*index.*, and the content says .*manifest/);
  registry.manifest('html', 'text/html', Buffer.from('<html>log in to the hotel</html>'));
  await refused('html', status.INVALID_ARGUMENT, /is not JSON/);
  registry.manifest('artifact', 'application/json', { mediaType: 'application/vnd.example.thing' });
  await refused('artifact', status.INVALID_ARGUMENT, /is no image but/);
  registry.manifest('old', schema1Type, { schemaVersion: 1, fsLayers: [] });
  await refused('old', status.UNIMPLEMENTED, /schema 1 are not supported/);
});

test('documents and indexes that are too large, or too deep', async () => {
  registry.manifest('large', manifestType, Buffer.alloc(4 * 1024 * 1024 + 1, ' '));
  await refused('large', status.INVALID_ARGUMENT, /has more than 4194304 bytes/);
  const child = registry.manifest('child', manifestType, { schemaVersion: 2, layers: [] });
  const many = Array.from({ length: 2000 }, () => ({ ...child, platform: { os: 'linux', architecture: 'amd64' } }));
  registry.manifest('many', indexType, { schemaVersion: 2, manifests: many });
  await refused('many', status.INVALID_ARGUMENT, /names 2000 others, more than 1024/);
  let inner = child;
  for (let depth = 0; depth < 6; depth++) {
    inner = registry.manifest(`deep-${depth}`, indexType, { schemaVersion: 2, manifests: [inner] });
  }
  await refused('deep-5', status.INVALID_ARGUMENT, /is nested too deeply/);
  registry.image('config', randomBytes(1000), ({ config, ...rest }) => ({
    ...rest,
    config: { ...(config as object), size: 9_000_000_000 },
  }));
  await refused('config', status.INVALID_ARGUMENT, /its configuration has more than 8388608 bytes/);
  registry.image('layer-type', randomBytes(1000), ({ layers, ...rest }) => ({
    ...rest,
    layers: (layers as object[]).map((layer) => ({ ...layer, mediaType: 'application/vnd.example.secret+encrypted' })),
  }));
  await refused('layer-type', status.INVALID_ARGUMENT, /cannot be unpacked/);
});

test('a layer that is too short, too long, endless, or something else', async () => {
  registry.image('layer', randomBytes(fileBytes));
  const lies: readonly (readonly [(answer: ServerResponse) => void, status, RegExp])[] = [
    [(answer) => answer.writeHead(200).end(Buffer.alloc(100)), status.UNAVAILABLE, /sent 100 bytes of \d+/],
    [(answer) => void endless(answer.writeHead(200)), status.FAILED_PRECONDITION, /sends more than \d+ bytes/],
    [(answer) => answer.writeHead(200).end(randomBytes(3_000_000)), status.FAILED_PRECONDITION, /sends more than/],
    [
      (answer) => answer.writeHead(206, { 'content-range': 'bytes 5-9/10' }).end('12345'),
      status.FAILED_PRECONDITION,
      /another part/,
    ],
    [(answer) => answer.writeHead(404).end(), status.NOT_FOUND, /the registry answered 404/],
    [
      (answer) => answer.writeHead(403).end('{"errors":[{"code":"DENIED","message":"no"}]}'),
      status.PERMISSION_DENIED,
      /DENIED: no/,
    ],
    [
      (answer) => answer.writeHead(302, { location: 'http://registry.example/x' }).end(),
      status.PERMISSION_DENIED,
      /does not use TLS/,
    ],
    [(answer) => answer.writeHead(302).end(), status.FAILED_PRECONDITION, /a redirect leads nowhere/],
  ];
  for (const [lie, code, message] of lies) {
    registry.override = (request, answer) => {
      if (!isBlob(request)) return false;
      lie(answer);
      return true;
    };
    await refused('layer', code, message);
    await removeImages(daemon());
  }
  registry.override = (request, answer) => {
    if (!isBlob(request)) return false;
    answer.writeHead(302, { location: request.url }).end();
    return true;
  };
  await refused('layer', status.FAILED_PRECONDITION, /redirects more than 10 times/);
});

test('bytes that are changed on the way are noticed, and the next pull is right', async () => {
  const image = registry.image('changed', randomBytes(fileBytes));
  registry.override = (request, answer) => {
    if (!isBlob(request) || request.headers.range !== undefined) return false;
    const { writableLength } = answer;
    assert.equal(writableLength, 0);
    const end = answer.end.bind(answer);
    answer.end = ((content: Buffer) => {
      const copy = Buffer.from(content);
      copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
      return end(copy);
    }) as typeof answer.end;
    return false;
  };
  await refused('changed', status.FAILED_PRECONDITION, /unexpected commit digest/);
  registry.override = undefined;
  assert.equal(await pull('changed'), undefined);
  const { images } = await daemon().call(Records.list, { filters: [] });
  assert.equal(images[0]?.target?.digest, image.digest);
});

test('a layer whose uncompressed content is not what the image says', async () => {
  const other = registry.blob('application/vnd.oci.image.layer.v1.tar', Buffer.alloc(1024));
  registry.image('diff-id', randomBytes(1000), (manifest) => ({ ...manifest, layers: [other] }));
  await refused('diff-id', status.FAILED_PRECONDITION, /uncompressed, not sha256:[0-9a-f]+ as its image says/);
});

test('a registry that falls silent, and one that cuts off again and again, are given up; what came is gone on with', async () => {
  registry.image('silent', randomBytes(fileBytes));
  registry.override = (request, answer) => {
    if (!isBlob(request)) return false;
    answer.writeHead(200).write(Buffer.alloc(10));
    return true;
  };
  await refused('silent', status.UNAVAILABLE, /the server fell silent/);
  await removeImages(daemon());
  let cuts = 0;
  registry.override = (request, answer) => {
    if (!isBlob(request)) return false;
    const write = answer.end.bind(answer);
    answer.end = ((content: Buffer) => {
      // Half of what is left, then the connection breaks: the rest comes in smaller and smaller parts.
      if (content.length < 1000 || cuts === 3) return write(content);
      cuts++;
      return answer.write(content.subarray(0, content.length / 2), () => answer.destroy());
    }) as typeof answer.end;
    return false;
  };
  assert.equal(await pull('silent'), undefined);
  assert.equal(cuts, 3);
});

test('a client that goes away ends the pull, and leaves nothing but what the next one goes on with', async () => {
  registry.image('left', randomBytes(fileBytes));
  let hold: ServerResponse | undefined;
  registry.override = (request, answer) => {
    if (!isBlob(request)) return false;
    hold = answer;
    return true;
  };
  const request = { reference: registry.reference('app:left'), platforms: ['amd64'], access: undefined };
  const stream = daemon().stream(ImagesService.pull, {
    ...request,
    allPlatforms: false,
    snapshotter: '',
    noUnpack: false,
  });
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (hold === undefined) return;
      clearInterval(timer);
      resolve();
    }, 5);
  });
  stream.cancel();
  await stream.ended;
  registry.override = undefined;
  assert.equal(await pull('left'), undefined);
  const { leases } = await daemon().call(LeasesService.list, { filters: [] });
  assert.deepEqual(leases, []);
  await assertClean(daemon());
});

async function endless(answer: ServerResponse): Promise<void> {
  const chunk = Buffer.alloc(100_000);
  while (!answer.destroyed) await new Promise<void>((resolve) => void answer.write(chunk, () => resolve()));
}
