// Content and Images, every RPC with good input and with bad, through a client that is independent of Berth's code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { digestOf, writeBlob } from '../helpers/content.js';
import { isContainerd } from '../helpers/daemon.js';
import type { RpcOptions } from '../helpers/rpc.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { type Message, WireClient } from '../helpers/wire-client.js';

const daemon = useBerthd();

const client = new WireClient([
  'containerd/services/content/v1/content.proto',
  'containerd/services/images/v1/images.proto',
]);

async function ok(name: string, request: Message = {}, options: RpcOptions = {}): Promise<Message> {
  const { code, details, message } = await client.call(daemon(), name, request, options);
  assert.equal(code, 0, `${name} ${JSON.stringify(request)}: ${details}`);
  return message;
}

/** The code is also the real containerd's. */
async function fails(
  code: number,
  pattern: RegExp,
  name: string,
  request: Message,
  options: RpcOptions = {},
): Promise<void> {
  const answer = await client.call(daemon(), name, request, options);
  const what = `${name} ${JSON.stringify(request)} gave ${answer.code}: ${answer.details}`;
  assert.equal(answer.code, code, what);
  if (!isContainerd) assert.match(answer.details, pattern, what);
}

const ghost = digestOf('ghost');
const badDigests = ['', 'x', 'sha256:', 'sha256:abc', `sha256:${'Z'.repeat(64)}`, `sha256:${'../'.repeat(21)}a`];

function image(name: string, fields: Message = {}): Message {
  return { name, labels: { a: '1' }, target: { mediaType: 'text/plain', digest: ghost, size: 5 }, ...fields };
}

test('Content: Info, Update, Delete', async () => {
  const digest = await writeBlob(daemon(), 'subject', { labels: { a: '1', b: '2', 'containerd.io/gc.root': 'yes' } });
  const { info } = await ok('Content/Info', { digest });
  assert.equal((info as Message)['size'], 7);
  const update = async (labels: Message, paths: string[]) => {
    const answer = await ok('Content/Update', { info: { digest, labels }, updateMask: { paths } });
    return ((answer['info'] as Message)['labels'] as Message) ?? {};
  };
  assert.deepEqual(await update({ a: '3' }, ['labels.a', 'labels.b']), { a: '3', 'containerd.io/gc.root': 'yes' });
  const rooted = { 'x.y': 'z', 'containerd.io/gc.root': '1' };
  assert.deepEqual(await update(rooted, ['labels']), rooted);
  assert.deepEqual(await update({ 'containerd.io/gc.root': '1' }, []), { 'containerd.io/gc.root': '1' });
  await fails(status.INVALID_ARGUMENT, /size/, 'Content/Update', { info: { digest }, updateMask: { paths: ['size'] } });
  const long = { info: { digest, labels: { long: 'x'.repeat(4096) } } };
  await fails(status.INVALID_ARGUMENT, /long/, 'Content/Update', long);
  await ok('Content/Delete', { digest });
  await fails(status.NOT_FOUND, /sha256/, 'Content/Info', { digest });
  for (const [method, request] of [
    ['Info', { digest: ghost }],
    ['Update', { info: { digest: ghost } }],
    ['Delete', { digest: ghost }],
  ] as const) {
    await fails(status.NOT_FOUND, new RegExp(ghost), `Content/${method}`, request);
    await fails(status.FAILED_PRECONDITION, /namespace/, `Content/${method}`, request, { namespace: '' });
  }
  for (const bad of badDigests) {
    await fails(status.INVALID_ARGUMENT, /digest/, 'Content/Info', { digest: bad });
    await fails(status.INVALID_ARGUMENT, /digest/, 'Content/Update', { info: { digest: bad } });
    await fails(status.INVALID_ARGUMENT, /digest/, 'Content/Delete', { digest: bad });
  }
});

test('Content: Status, ListStatuses, Abort', async () => {
  await fails(status.NOT_FOUND, /no-such/, 'Content/Status', { ref: 'no-such' });
  await fails(status.NOT_FOUND, /no-such/, 'Content/Abort', { ref: 'no-such' });
  assert.deepEqual(await ok('Content/ListStatuses', {}), { statuses: [] });
  const namespace = '';
  await fails(status.FAILED_PRECONDITION, /namespace/, 'Content/Status', { ref: 'x' }, { namespace });
  await fails(status.FAILED_PRECONDITION, /namespace/, 'Content/Abort', { ref: 'x' }, { namespace });
  await fails(status.FAILED_PRECONDITION, /namespace/, 'Content/ListStatuses', {}, { namespace });
  await fails(status.INVALID_ARGUMENT, /filter/, 'Content/ListStatuses', { filters: ['ref=='] });
});

test('Content: List, Read and Write are streams', async () => {
  for (const name of ['Content/List', 'Content/Read', 'Content/Write']) client.method(name);
  const list = daemon().stream(client.method('Content/List'), { filters: ['digest=='] });
  assert.equal((await list.ended)?.code, status.INVALID_ARGUMENT);
});

test('Images: Create, Get, List', async () => {
  const created = (await ok('Images/Create', { image: image('docker.io/library/a:1') }))['image'] as Message;
  assert.deepEqual(created['createdAt'], created['updatedAt']);
  assert.deepEqual((await ok('Images/Get', { name: 'docker.io/library/a:1' }))['image'], created);
  await fails(status.ALREADY_EXISTS, /a:1/, 'Images/Create', { image: image('docker.io/library/a:1') });
  await ok('Images/Create', { image: image('b', { labels: {}, target: { ...target(), mediaType: 'm/2' } }) });
  const names = async (...filters: string[]) => {
    const { images } = await ok('Images/List', { filters });
    return (images as Message[]).map(({ name }) => name);
  };
  assert.deepEqual(await names(), ['b', 'docker.io/library/a:1']);
  assert.deepEqual(await names('name~=library'), ['docker.io/library/a:1']);
  assert.deepEqual(await names('target.mediatype==m/2'), ['b']);
  assert.deepEqual(await names(`target.digest==${ghost},labels.a==1`), ['docker.io/library/a:1']);
  assert.deepEqual(await names(`target.digest==${digestOf('other')}`), []);
  await fails(status.INVALID_ARGUMENT, /filter/, 'Images/List', { filters: ['name=='] });
  for (const name of await names()) await ok('Images/Delete', { name });
});

function target(): Message {
  return { mediaType: 'text/plain', digest: ghost, size: 5 };
}

test('Images: Update by field mask', async () => {
  const annotated = { ...target(), annotations: { x: '1', y: '2' } };
  await ok('Images/Create', { image: image('masked', { target: annotated, labels: { a: '1', b: '2' } }) });
  const update = async (fields: Message, ...paths: string[]) => {
    const request = { image: { name: 'masked', ...fields }, updateMask: { paths } };
    return (await ok('Images/Update', request))['image'] as Message;
  };
  const before = await update({ labels: { a: '3' } }, 'labels.a', 'labels.b');
  assert.deepEqual(before['labels'], { a: '3' });
  assert.equal((before['target'] as Message)['digest'], ghost);
  const moved = await update({ target: { ...target(), digest: digestOf('new') } }, 'target');
  assert.deepEqual([(moved['target'] as Message)['digest'], moved['labels']], [digestOf('new'), { a: '3' }]);
  assert.deepEqual(moved['createdAt'], before['createdAt']);
  assert.notDeepEqual(moved['updatedAt'], before['updatedAt']);
  const whole = await update({ target: target(), labels: { z: '1' } });
  assert.deepEqual(whole['labels'], { z: '1' });
  const request = { image: image('masked'), updateMask: { paths: ['name'] } };
  await fails(status.INVALID_ARGUMENT, /name/, 'Images/Update', request);
  await fails(status.NOT_FOUND, /ghost/, 'Images/Update', { image: image('ghost') });
  await fails(status.INVALID_ARGUMENT, /name/, 'Images/Update', { image: image('') });
  await fails(status.INVALID_ARGUMENT, /digest/, 'Images/Update', { image: { name: 'masked' } });
  await ok('Images/Delete', { name: 'masked' });
});

test('Images: a record needs a name and a whole target', async () => {
  const bad = async (pattern: RegExp, fields: Message) =>
    await fails(status.INVALID_ARGUMENT, pattern, 'Images/Create', { image: image('bad', fields) });
  await bad(/name/, { name: '' });
  await bad(/digest/, { target: { ...target(), digest: 'sha256:x' } });
  await bad(/digest/, { target: undefined });
  await bad(/size/, { target: { ...target(), size: 0 } });
  await bad(/mediaType/, { target: { ...target(), mediaType: '' } });
  await bad(/long/, { labels: { long: 'x'.repeat(4096) } });
  await fails(status.NOT_FOUND, /ghost/, 'Images/Get', { name: 'ghost' });
  await fails(status.NOT_FOUND, /ghost/, 'Images/Delete', { name: 'ghost' });
  for (const [method, request] of [
    ['Get', { name: 'x' }],
    ['List', {}],
    ['Create', { image: image('x') }],
    ['Update', { image: image('x') }],
    ['Delete', { name: 'x' }],
  ] as const) {
    await fails(status.FAILED_PRECONDITION, /namespace/, `Images/${method}`, request, { namespace: '' });
  }
});

test('Images: what only newer clients ask for', { skip: isContainerd }, async () => {
  const epoch = { seconds: 1_600_000_000, nanos: 5 };
  const created = await ok('Images/Create', { image: image('dated'), sourceDateEpoch: epoch });
  assert.deepEqual((created['image'] as Message)['createdAt'], epoch);
  const other = { ...target(), digest: digestOf('other') };
  await fails(status.NOT_FOUND, /target/, 'Images/Delete', { name: 'dated', target: other });
  const annotate = { image: { name: 'dated', target: { annotations: { x: '1' } } } };
  const answer = await ok('Images/Update', { ...annotate, updateMask: { paths: ['annotations.x'] } });
  assert.deepEqual(((answer['image'] as Message)['target'] as Message)['annotations'], { x: '1' });
  await ok('Images/Delete', { name: 'dated', target: target() });
});

test('no RPC of these services was left out', { skip: isContainerd }, () => {
  assert.deepEqual(client.uncalled, []);
});
