// containerd.services.transfer.v1 and streaming.v1 where no `ctr` goes: what is refused, clients that vanish or do not
// listen, names and labels, headers and kinds of credentials.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { TransferService } from '../../src/generated/containerd/services/transfer/v1/transfer.js';
import { ImageStore } from '../../src/generated/containerd/types/transfer/imagestore.js';
import { ImageExportStream, ImageImportStream } from '../../src/generated/containerd/types/transfer/importexport.js';
import { Progress } from '../../src/generated/containerd/types/transfer/progress.js';
import {
  AuthRequest,
  AuthResponse,
  AuthType,
  OCIRegistry,
  RegistryResolver,
} from '../../src/generated/containerd/types/transfer/registry.js';
import { Data, WindowUpdate } from '../../src/generated/containerd/types/transfer/streaming.js';
import type { Any } from '../../src/generated/google/protobuf/any.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { OpenStream } from '../helpers/client-stream.js';
import { FakeRegistry } from '../helpers/fake-registry.js';
import { removeImages } from '../helpers/images.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { rawTar } from '../helpers/raw-tar.js';
import { useBerthd } from '../helpers/use-berthd.js';

afterEach(async () => {
  await removeImages(daemon());
  registry.override = undefined;
  registry.requests.splice(0);
});

const daemon = useBerthd();
let registry: FakeRegistry;

before(async () => {
  registry = await FakeRegistry.start();
});

after(async () => await registry.stop());

const types = 'containerd.types.transfer';
let streams = 0;

/** Unique among the tests. */
function newId(): string {
  return `stream-${++streams}`;
}

function any<M>(name: string, codec: { encode(message: M): { finish(): Uint8Array } }, message: M): Any {
  return { typeUrl: `${types}.${name}`, value: Buffer.from(codec.encode(message).finish()) };
}

function store(fields: Partial<ImageStore>): Any {
  return any('ImageStore', ImageStore, { ...ImageStore.decode(new Uint8Array()), ...fields });
}

function inRegistry(image: string, resolver: Partial<RegistryResolver> = {}): Any {
  const whole = { ...RegistryResolver.decode(new Uint8Array()), ...resolver };
  return any('OCIRegistry', OCIRegistry, { reference: registry.reference(image), resolver: whole });
}

function importStream(stream: string, forceCompress = false): Any {
  return any('ImageImportStream', ImageImportStream, { stream, mediaType: '', forceCompress });
}

function exportStream(fields: Partial<ImageExportStream>): Any {
  return any('ImageExportStream', ImageExportStream, { ...ImageExportStream.decode(new Uint8Array()), ...fields });
}

async function transfer(source: Any | undefined, destination: Any | undefined, progressStream = ''): Promise<void> {
  await daemon().call(TransferService.transfer, { source, destination, options: { progressStream } });
}

async function images(): Promise<[string, string][]> {
  const { images: found } = await daemon().call(ImagesService.list, { filters: [] });
  // In the order of their names.
  return found.map(({ name, labels }) => [name, JSON.stringify(labels)]);
}

const content = randomBytes(200_000);
const prefix = { name: 'base', isPrefix: true, allowOverwrite: false, addDigest: false, skipNamedDigest: false };
/** All that is there, without unpacking. */
const everything = { platforms: [], unpacks: [] };

test('ends that are none, or lead nowhere, are refused', async () => {
  const nothing = store({ name: 'x' });
  await assert.rejects(transfer(undefined, nothing), { code: status.INVALID_ARGUMENT });
  await assert.rejects(transfer({ typeUrl: 'x.Y', value: Buffer.alloc(0) }, nothing), { code: status.UNIMPLEMENTED });
  await assert.rejects(transfer({ typeUrl: `${types}.ImageStore`, value: Buffer.from([255]) }, nothing), {
    code: status.INVALID_ARGUMENT,
  });
  await assert.rejects(transfer(inRegistry('a:1'), inRegistry('b:1')), { code: status.UNIMPLEMENTED });
  const ids = [newId(), newId()] as const;
  const [incoming, outgoing] = [await OpenStream.open(daemon(), ids[0]), await OpenStream.open(daemon(), ids[1])];
  const echo = transfer(importStream(ids[0]), exportStream({ stream: ids[1] }));
  await assert.rejects(echo, { code: status.UNIMPLEMENTED });
  // A call that is refused has had its streams.
  assert.deepEqual([await incoming.ended, await outgoing.ended], [undefined, undefined]);
});

test('what cannot be done is refused, and not something else done', async () => {
  const refused = { code: status.UNIMPLEMENTED };
  const platforms = ['amd64', 'arm64'].map((architecture) => ({
    os: 'linux',
    architecture,
    variant: '',
    osVersion: '',
  }));
  await assert.rejects(transfer(inRegistry('a:1', { hostDir: '/etc' }), store({ name: 'a' })), refused);
  const id = newId();
  await OpenStream.open(daemon(), id);
  await assert.rejects(transfer(importStream(id, true), store({})), refused);
  await assert.rejects(transfer(store({ name: 'a' }), exportStream({ skipNonDistributable: true })), refused);
  await assert.rejects(transfer(store({ name: 'a', platforms }), inRegistry('a:1')), refused);
  await assert.rejects(transfer(inRegistry('a:1'), store({ name: 'a', manifestLimit: 1 })), refused);
  const unpacks = ['overlayfs', 'native'].map((snapshotter) => ({ platform: undefined, snapshotter }));
  await assert.rejects(transfer(inRegistry('a:1'), store({ name: 'a', unpacks })), refused);
});

test('streams have ids, one each, and are there for one call', async () => {
  const noStream = { code: status.NOT_FOUND, details: /stream none/ };
  await assert.rejects(transfer(store({ name: 'a' }), store({ name: 'b' }), 'none'), noStream);
  await assert.rejects(transfer(importStream('none'), store({})), noStream);
  const bad = new OpenStream(daemon());
  bad.send('google.protobuf.Empty', Data, { data: Buffer.alloc(0) });
  assert.equal((await bad.ended)?.code, status.INVALID_ARGUMENT);
  const id = newId();
  const stream = await OpenStream.open(daemon(), id);
  const second = new OpenStream(daemon());
  second.send('containerd.services.streaming.v1.StreamInit', { encode: encodeId }, id);
  assert.equal((await second.ended)?.code, status.ALREADY_EXISTS);
  // The call fails, and has had the stream all the same.
  await assert.rejects(transfer(store({ name: 'a' }), store({ name: 'b' }), id), { code: status.NOT_FOUND });
  assert.equal(await stream.ended, undefined);
  await assert.rejects(transfer(store({ name: 'a' }), store({ name: 'b' }), id), { code: status.NOT_FOUND });
  const left = await OpenStream.open(daemon(), newId());
  left.cancel();
  assert.equal((await left.ended)?.code, status.CANCELLED);
});

/** A StreamInit by hand: field 1, a string. */
function encodeId(id: string) {
  return { finish: () => Buffer.concat([Buffer.from([0x0a, id.length]), Buffer.from(id)]) };
}

test('a pull records every name, with the labels, and tells how far it is', async () => {
  registry.image('1', content);
  const id = newId();
  const progress = await OpenStream.open(daemon(), id);
  const extraReferences = [{ ...prefix, name: 'second', isPrefix: false }];
  const labels = { of: 'test' };
  await transfer(inRegistry('app:1'), store({ ...everything, name: 'first', labels, extraReferences }), id);
  assert.equal(await progress.ended, undefined);
  assert.deepEqual(await images(), [
    ['first', '{"of":"test"}'],
    ['second', '{"of":"test"}'],
  ]);
  const told = progress.received.map(({ value }) => Progress.decode(value));
  const wholes = told.filter(({ parents }) => parents.length === 0).map(({ event, name }) => [event, name]);
  const from = `OCI Registry (${registry.reference('app:1')})`;
  assert.deepEqual(wholes, [
    [`Resolving from ${from}`, ''],
    [`Pulling from ${from}`, ''],
    ['fetching image content', 'first'],
    ['saved', 'first'],
    ['saved', 'second'],
    [`Completed pull from ${from}`, ''],
  ]);
  const done = told.find(({ name, event }) => name.startsWith('layer-sha256:') && event === 'complete');
  const size = done?.desc?.size ?? 0n;
  assert.ok(size > BigInt(content.length));
  assert.deepEqual([done?.progress, done?.total, done?.parents], [size, size, ['first']]);
  await assert.rejects(transfer(inRegistry('app:1'), store(everything)), {
    code: status.NOT_FOUND,
    details: /no image name/,
  });
});

test('a client that does not listen to how far its pull is has it all the same', async () => {
  registry.image('1', content);
  const id = newId();
  const progress = await OpenStream.open(daemon(), id);
  progress.pause();
  // Each is told of, which is more than a connection keeps for somebody who does not read.
  const extraReferences = Array.from({ length: 60 }, (_, index) => ({
    ...prefix,
    isPrefix: false,
    name: longName(index),
  }));
  await transfer(inRegistry('app:1'), store({ ...everything, name: 'a', extraReferences }), id);
  assert.equal((await images()).length, 61);
  progress.cancel();
});

function longName(index: number): string {
  return `name${index}-${'x'.repeat(4000)}`;
}

test('headers go to the registry, and credentials of each kind are asked for once it wants some', async () => {
  registry.image('1', content);
  const answers: [Partial<AuthResponse>, string][] = [
    [{ authType: AuthType.CREDENTIALS, username: 'me', secret: 'word' }, `Basic ${btoa('me:word')}`],
    [{ authType: AuthType.HEADER, secret: 'Special 123' }, 'Special 123'],
  ];
  for (const [answer, authorization] of answers) {
    const headers: (string | undefined)[] = [];
    registry.override = (request, response) => {
      headers.push(String(request.headers['x-test']));
      if (request.headers.authorization === authorization) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      return true;
    };
    const authStream = newId();
    const asked = await OpenStream.open(daemon(), authStream);
    const access = { authStream, headers: { 'x-test': 'yes' } };
    const pulled = transfer(inRegistry('app:1', access), store({ ...everything, name: 'a' }));
    await asked.has(1);
    const question = AuthRequest.decode(asked.received[0]?.value ?? new Uint8Array());
    assert.deepEqual(question, {
      host: `127.0.0.1:${registry.port}`,
      reference: registry.reference('app:1'),
      wwwauthenticate: ['Basic realm="test"'],
    });
    const whole = { ...AuthResponse.decode(new Uint8Array()), ...answer };
    asked.send(`${types}.AuthResponse`, AuthResponse, whole);
    await pulled;
    assert.equal(asked.received.length, 1);
    assert.deepEqual([...new Set(headers)], ['yes']);
    await removeImages(daemon());
  }
});

test('a client that vanishes when it is asked for credentials has its pull end', async () => {
  registry.override = (_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    return true;
  };
  const authStream = newId();
  const asked = await OpenStream.open(daemon(), authStream);
  const pulled = transfer(inRegistry('app:1', { authStream }), store({ ...everything, name: 'a' }));
  await asked.has(1);
  asked.cancel();
  await assert.rejects(pulled, { code: status.CANCELLED });
});

async function archive(): Promise<Buffer> {
  const directory = mkdtempSync(daemon().path('layout-'));
  const layout = await OciLayout.create(directory);
  const root = await layout.image([rawTar([{ name: 'file', content }])]);
  await layout.finish({ ...root, annotations: { 'org.opencontainers.image.ref.name': 'v1' } });
  return execFileSync('tar', ['--create', '-C', directory, '.'], { maxBuffer: 1e9 });
}

/** In pieces, as many as the daemon takes. */
async function sendAll(stream: OpenStream, bytes: Buffer, pieceBytes: number): Promise<void> {
  let [window, updates] = [0, 0];
  for (let at = 0; at < bytes.length; ) {
    if (window <= 0) await stream.has(updates + 1);
    for (; updates < stream.received.length; updates++) {
      window += WindowUpdate.decode(stream.received[updates]?.value ?? new Uint8Array()).update;
    }
    const piece = bytes.subarray(at, at + Math.min(pieceBytes, window));
    stream.send(`${types}.Data`, Data, { data: piece });
    at += piece.length;
    window -= piece.length;
  }
}

test('an archive comes in pieces within the window, gets its names, and goes out as it may be taken', async () => {
  const id = newId();
  const incoming = await OpenStream.open(daemon(), id);
  const imported = transfer(importStream(id), store({ extraReferences: [prefix] }));
  await sendAll(incoming, await archive(), 5000);
  incoming.finish();
  await imported;
  assert.deepEqual(await images(), [['base:v1', '{}']]);

  const out = newId();
  const outgoing = await OpenStream.open(daemon(), out);
  const exported = transfer(store({ name: 'base:v1' }), exportStream({ stream: out, skipCompatibilityManifest: true }));
  outgoing.send(`${types}.WindowUpdate`, WindowUpdate, { update: 100 });
  await outgoing.has(1);
  const pieces = () => outgoing.received.map(({ value }) => Data.decode(value).data);
  assert.equal(Buffer.concat(pieces()).length, 100);
  outgoing.send(`${types}.WindowUpdate`, WindowUpdate, { update: 10_000_000 });
  await exported;
  assert.equal(await outgoing.ended, undefined);
  const listed = execFileSync('tar', ['--list'], { input: Buffer.concat(pieces()), encoding: 'utf8' });
  assert.match(listed, /^index\.json$/m);
  assert.doesNotMatch(listed, /^manifest\.json$/m);
});

test('a long archive costs the daemon no more memory than a short one', async () => {
  const longBytes = 192 * 1024 * 1024;
  const memory = (what: 'VmRSS' | 'VmHWM') => {
    const status = readFileSync(`/proc/${daemon().pid}/status`, 'utf8');
    return Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1]) * 1024;
  };
  const before = memory('VmRSS');
  const id = newId();
  const incoming = await OpenStream.open(daemon(), id);
  const imported = transfer(importStream(id), store({ extraReferences: [prefix] }));
  imported.catch(() => undefined);
  await sendAll(incoming, rawTar([{ name: 'long', content: Buffer.alloc(longBytes) }]), 32 * 1024);
  incoming.finish();
  await assert.rejects(imported, { code: status.INVALID_ARGUMENT, details: /neither an OCI layout/ });
  const grown = memory('VmHWM') - before;
  assert.ok(grown < 0.75 * longBytes, `${grown} bytes more`);
});

test('an import that is broken off, or is no archive, leaves nothing', async () => {
  const bytes = await archive();
  for (const [end, code] of [
    ['cancel', status.CANCELLED],
    ['finish', status.INVALID_ARGUMENT],
  ] as const) {
    const id = newId();
    const incoming = await OpenStream.open(daemon(), id);
    const imported = transfer(importStream(id), store({ extraReferences: [prefix] }));
    imported.catch(() => undefined);
    await incoming.has(1);
    incoming.send(`${types}.Data`, Data, { data: bytes.subarray(0, bytes.length / 2) });
    incoming[end]();
    await assert.rejects(imported, { code });
    await removeImages(daemon());
  }
  const id = newId();
  const unnamed = await OpenStream.open(daemon(), id);
  const imported = transfer(importStream(id), store({}));
  unnamed.send(`${types}.Data`, Data, { data: bytes });
  unnamed.finish();
  await assert.rejects(imported, { code: status.NOT_FOUND, details: /no image name/ });
  await assertCheckClean(daemon());
});

test('an export to a client that vanishes ends, and the daemon tells nobody secrets', async () => {
  registry.image('1', content);
  await transfer(inRegistry('app:1', { headers: { 'x-token': 'hush' } }), store({ ...everything, name: 'a' }));
  const id = newId();
  const outgoing = await OpenStream.open(daemon(), id);
  const exported = transfer(store({ name: 'a' }), exportStream({ stream: id, allPlatforms: true }));
  outgoing.send(`${types}.WindowUpdate`, WindowUpdate, { update: 100 });
  await outgoing.has(1);
  outgoing.cancel();
  await assert.rejects(exported, { code: status.CANCELLED });
  const log = readFileSync(daemon().logFile, 'utf8');
  assert.doesNotMatch(log, /hush|word|Special 123/);
  assert.match(log, /change .*rpc=\/containerd\.services\.transfer\.v1\.Transfer\/Transfer/);
});
