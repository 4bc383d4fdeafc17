// berth.v1.Storage and berth.v1.Images: every RPC's status for bad input, through a client independent of Berth's code.
import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { removeImages } from '../helpers/images.js';
import { metadataFor, type RpcOptions } from '../helpers/rpc.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { type Message, WireClient } from '../helpers/wire-client.js';

// Registered first, so that it runs before the daemon's own check: a pull that fails keeps its lease, to be gone on with.
afterEach(async () => await removeImages(daemon()));

const daemon = useBerthd();
const client = new WireClient(['berth/v1/storage.proto', 'berth/v1/images.proto']);

const streams = new Set(['Storage/Export', 'Images/Pull', 'Images/Push', 'Images/Export']);

after(() => assert.deepEqual(client.uncalled, []));

async function fails(code: number, name: string, request: Message, options: RpcOptions = {}): Promise<void> {
  const path = `berth.v1.${name}`;
  const method = client.method(path);
  const answer = streams.has(name)
    ? await daemon().stream(method, request, options).ended
    : await client.call(daemon(), path, request, options);
  const what = `${name} ${JSON.stringify(request)} gave ${answer?.code}: ${answer?.details}`;
  assert.equal(answer?.code, code, what);
}

const ofContainers: readonly (readonly [string, Message])[] = [
  ['Storage/Directories', {}],
  ['Storage/SetMetadata', { name: 'n', value: Buffer.from('v') }],
  ['Storage/GetMetadata', { name: 'n' }],
  ['Storage/ListMetadata', {}],
  ['Storage/RemoveMetadata', { name: 'n' }],
  ['Storage/Mount', {}],
  ['Storage/Unmount', {}],
  ['Storage/Export', {}],
  ['Storage/Commit', { image: 'mine' }],
];

for (const [name, request] of ofContainers) {
  test(`${name} of a container that is not there, that cannot be, and without a namespace`, async () => {
    await fails(status.NOT_FOUND, name, { ...request, containerId: 'ghost' });
    for (const bad of ['', '../x', 'x'.repeat(100)]) {
      await fails(status.INVALID_ARGUMENT, name, { ...request, containerId: bad });
    }
    await fails(status.FAILED_PRECONDITION, name, { ...request, containerId: 'ghost' }, { namespace: '' });
    await fails(status.INVALID_ARGUMENT, name, { ...request, containerId: 'ghost' }, { namespace: '../x' });
  });
}

test('Storage: metadata that cannot be, and mounts without a namespace', async () => {
  for (const bad of ['', 'x'.repeat(256)]) {
    await fails(status.INVALID_ARGUMENT, 'Storage/SetMetadata', { containerId: 'ghost', name: bad });
  }
  const large = { containerId: 'ghost', name: 'n', value: Buffer.alloc(1024 * 1024 + 1) };
  await fails(status.INVALID_ARGUMENT, 'Storage/SetMetadata', large);
  await fails(status.FAILED_PRECONDITION, 'Storage/ListMounts', {}, { namespace: '' });
});

test('Storage/Prepare needs a lease, an image that is here, and an id', async () => {
  const name = 'Storage/Prepare';
  const request = { containerId: 'new', image: 'example/none:1' };
  const options = { lease: 'some' };
  await fails(status.INVALID_ARGUMENT, name, request);
  await fails(status.NOT_FOUND, name, request, options);
  await fails(status.INVALID_ARGUMENT, name, { ...request, containerId: '../x' }, options);
  await fails(status.INVALID_ARGUMENT, name, { ...request, platform: 'a/b/c/d' }, options);
  await fails(status.FAILED_PRECONDITION, name, request, { ...options, namespace: '' });
});

test('Images: what is not here, what cannot be, and without a namespace', async () => {
  for (const [name, request] of [
    ['Images/Push', { image: 'example/none:1' }],
    ['Images/Export', { images: ['example/none:1'] }],
    ['Images/Inspect', { image: 'example/none:1' }],
  ] as const) {
    await fails(status.NOT_FOUND, name, request);
    await fails(status.INVALID_ARGUMENT, name, { ...request, platform: 'a/b/c/d' });
    await fails(status.FAILED_PRECONDITION, name, request, { namespace: '' });
  }
  await fails(status.INVALID_ARGUMENT, 'Images/List', { filters: ['name=='] });
  await fails(status.FAILED_PRECONDITION, 'Images/List', {}, { namespace: '' });
});

test('Images/Pull of what is no reference, for what is no platform, and from nobody', async () => {
  const reference = '127.0.0.1:1/none:1';
  for (const bad of ['', 'x/UPPER', 'a b', 'x@sha256:short']) {
    await fails(status.INVALID_ARGUMENT, 'Images/Pull', { reference: bad });
  }
  await fails(status.INVALID_ARGUMENT, 'Images/Pull', { reference, platforms: ['a/b/c/d'] });
  await fails(status.FAILED_PRECONDITION, 'Images/Pull', { reference }, { namespace: '' });
  await fails(status.UNAVAILABLE, 'Images/Pull', { reference });
});

test('Images/Import of nothing, and of what is no archive', async () => {
  for (const messages of [
    [],
    [{ data: Buffer.from('x') }],
    [{ options: {} }, { data: Buffer.from('no tar at all') }],
  ]) {
    assert.equal(await importCode(messages), status.INVALID_ARGUMENT, JSON.stringify(messages));
  }
});

async function importCode(messages: readonly Message[]): Promise<number> {
  const { path, requestSerialize, responseDeserialize } = client.method('berth.v1.Images/Import');
  return await new Promise((resolve) => {
    const call = daemon().client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadataFor({ namespace: daemon().namespace }),
      (error) => resolve(error?.code ?? 0),
    );
    for (const message of messages) call.write(message);
    call.end();
  });
}
