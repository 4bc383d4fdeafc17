// Content/Write request by request: offsets, digests, locks, resumption. What it expects holds for containerd too.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { ContentService, WriteAction } from '../../src/generated/containerd/services/content/v1/content.js';
import { digestOf, listBlobs, readBlob, WriteDialogue, writeBlob } from '../helpers/content.js';
import { isContainerd } from '../helpers/daemon.js';
import { metadataFor, type RpcOptions } from '../helpers/rpc.js';
import { useBerthd } from '../helpers/use-berthd.js';

// No collection comes in between: these blobs are kept by nothing.
const daemon = useBerthd(isContainerd ? {} : { config: 'gc_delay_ms = 600_000' });

const { WRITE, COMMIT } = WriteAction;

function dialogue(options: RpcOptions = {}): WriteDialogue {
  return new WriteDialogue(daemon(), options);
}

async function fails(work: Promise<unknown>, code: number, details: RegExp): Promise<void> {
  await assert.rejects(work, (error: { code: number; details: string }) => {
    assert.equal(error.code, code, error.details);
    assert.match(error.details, details);
    return true;
  });
}

/** Empty for a descriptor that was closed meanwhile. */
function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

async function statusOf(ref: string) {
  const { status: found } = await daemon().call(ContentService.status, { ref });
  assert.ok(found);
  return found;
}

test('a blob is written in pieces, and each answer tells how far it is', async () => {
  const data = randomBytes(3000);
  const write = dialogue();
  const begun = await write.send({ ref: 'pieces', total: 3000n, expected: digestOf(data) });
  assert.deepEqual([begun.offset, begun.total, begun.digest], [0n, 3000n, digestOf('')]);
  assert.equal((await write.send({ action: WRITE, data: data.subarray(0, 1000) })).offset, 1000n);
  assert.equal((await write.send({ action: WRITE, offset: 1000n, data: data.subarray(1000, 2500) })).offset, 2500n);
  assert.equal((await write.send({})).digest, digestOf(data.subarray(0, 2500)));
  const last = await write.send({
    action: COMMIT,
    offset: 2500n,
    data: data.subarray(2500),
    total: 3000n,
    labels: { a: '1' },
  });
  assert.deepEqual([last.offset, last.digest], [3000n, digestOf(data)]);
  await write.finish();
  assert.deepEqual(await readBlob(daemon(), digestOf(data)), data);
  const { info } = await daemon().call(ContentService.info, { digest: digestOf(data) });
  assert.deepEqual([info?.size, info?.labels], [3000n, { a: '1' }]);
  await fails(daemon().call(ContentService.status, { ref: 'pieces' }), status.NOT_FOUND, /pieces/);
});

test('a blob of nothing can be written', async () => {
  const write = dialogue();
  await write.send({ ref: 'nothing' });
  assert.equal((await write.send({ action: COMMIT, expected: digestOf('') })).digest, digestOf(''));
  await write.finish();
  assert.equal((await readBlob(daemon(), digestOf(''))).length, 0);
});

test('a write is gone on with where its client left it', async () => {
  const data = randomBytes(2_000_000);
  const first = dialogue();
  await first.send({ ref: 'resumed', total: 2_000_000n, expected: digestOf(data) });
  await first.send({ action: WRITE, data: data.subarray(0, 1_200_000) });
  first.cancel();
  const second = dialogue();
  const found = await second.send({ ref: 'resumed', total: 2_000_000n, expected: digestOf(data) });
  assert.deepEqual([found.offset, found.digest], [1_200_000n, digestOf(data.subarray(0, 1_200_000))]);
  await second.send({ action: WRITE, offset: 1_200_000n, data: data.subarray(1_200_000) });
  assert.equal((await second.send({ action: COMMIT, offset: 2_000_000n })).digest, digestOf(data));
  await second.finish();
  assert.deepEqual(await readBlob(daemon(), digestOf(data)), data);
});

test('a write is gone on with after a restart of the daemon', async () => {
  const data = randomBytes(100_000);
  const first = dialogue();
  await first.send({ ref: 'restarted', total: 100_000n });
  await first.send({ action: WRITE, data: data.subarray(0, 60_000) });
  await first.send({});
  first.cancel();
  await daemon().restart('SIGKILL');
  const { offset, total } = await statusOf('restarted');
  assert.deepEqual([offset, total], [60_000n, 100_000n]);
  const second = dialogue();
  assert.equal((await second.send({ ref: 'restarted' })).offset, 60_000n);
  await second.send({ action: COMMIT, offset: 60_000n, data: data.subarray(60_000), expected: digestOf(data) });
  await second.finish();
  assert.deepEqual(await readBlob(daemon(), digestOf(data)), data);
});

test('a ref has one writer at a time', async () => {
  const first = dialogue();
  await first.send({ ref: 'locked', total: 10n });
  await fails(dialogue().send({ ref: 'locked', total: 10n }), status.UNAVAILABLE, /locked/);
  first.cancel();
  const second = dialogue();
  await second.send({ ref: 'locked', total: 10n });
  second.cancel();
  await daemon().call(ContentService.abort, { ref: 'locked' });
});

test('the same ref in two namespaces is two writes', async () => {
  const first = dialogue();
  await first.send({ ref: 'mine', total: 10n });
  const second = dialogue({ namespace: `${daemon().namespace}-other` });
  await second.send({ ref: 'mine', total: 20n });
  assert.equal((await statusOf('mine')).total, 10n);
  first.cancel();
  second.cancel();
});

test('data must come at the end of what is there, or begin again', async () => {
  const write = dialogue();
  await write.send({ ref: 'offsets' });
  await write.send({ action: WRITE, data: Buffer.from('old text') });
  assert.equal((await write.send({ action: WRITE, offset: 0n, data: Buffer.from('new') })).offset, 3n);
  await fails(write.send({ action: WRITE, offset: 5n, data: Buffer.from('x') }), status.OUT_OF_RANGE, /write @5.* 3/);
  const again = dialogue();
  await again.send({ ref: 'offsets' });
  const last = await again.send({ action: COMMIT, offset: 3n, data: Buffer.from('er'), expected: digestOf('newer') });
  assert.equal(last.digest, digestOf('newer'));
});

test('a blob with the wrong digest or size is not made, and the write can be gone on with', async () => {
  const attempt = async (request: object) => {
    const write = dialogue();
    await write.send({ ref: 'wrong' });
    await write.send({ action: COMMIT, offset: 4n, ...request });
  };
  const begin = dialogue();
  await begin.send({ ref: 'wrong' });
  await begin.send({ action: WRITE, data: Buffer.from('data') });
  begin.cancel();
  await fails(attempt({ expected: digestOf('other') }), status.FAILED_PRECONDITION, /unexpected commit digest/);
  await fails(attempt({ total: 5n }), status.FAILED_PRECONDITION, /wrong/);
  assert.equal((await statusOf('wrong')).offset, 4n);
  assert.equal((await listBlobs(daemon())).includes(digestOf('data')), false);
  await attempt({ total: 4n, expected: digestOf('data') });
  assert.ok((await listBlobs(daemon())).includes(digestOf('data')));
});

test('a write begun for a digest begins anew once all of it came and was wrong', { skip: isContainerd }, async () => {
  const announced = { ref: 'surely-wrong', total: 4n, expected: digestOf('good') };
  const wrong = dialogue();
  await wrong.send(announced);
  await fails(wrong.send({ action: COMMIT, data: Buffer.from('evil') }), status.FAILED_PRECONDITION, /digest/);
  const right = dialogue();
  assert.equal((await right.send(announced)).offset, 0n);
  assert.equal((await right.send({ action: COMMIT, data: Buffer.from('good') })).digest, digestOf('good'));
});

test('what is there already is not written again', async () => {
  const digest = await writeBlob(daemon(), 'twice');
  await fails(dialogue().send({ ref: 'twice-1', expected: digest }), status.ALREADY_EXISTS, /exists/);
  const blind = dialogue();
  await blind.send({ ref: 'twice-2' });
  await blind.send({ action: WRITE, data: Buffer.from('twice') });
  await fails(blind.send({ action: COMMIT, offset: 5n }), status.ALREADY_EXISTS, /exists/);
  const late = dialogue();
  await late.send({ ref: 'twice-3' });
  await late.send({ action: WRITE, data: Buffer.from('tw') });
  await fails(late.send({ expected: digest }), status.ALREADY_EXISTS, /exists/);
  const { statuses } = await daemon().call(ContentService.listStatuses, { filters: ['ref~=^twice'] });
  assert.deepEqual(statuses, []);
});

test('an aborted write begins anew', async () => {
  const write = dialogue();
  await write.send({ ref: 'aborted', total: 10n });
  await write.send({ action: WRITE, data: Buffer.from('12345') });
  write.cancel();
  await daemon().call(ContentService.abort, { ref: 'aborted' });
  await fails(daemon().call(ContentService.abort, { ref: 'aborted' }), status.NOT_FOUND, /aborted/);
  const again = dialogue();
  assert.equal((await again.send({ ref: 'aborted' })).offset, 0n);
  again.cancel();
  await daemon().call(ContentService.abort, { ref: 'aborted' });
});

test('a write that is aborted while somebody is at it cannot commit', { skip: isContainerd }, async () => {
  const write = dialogue();
  await write.send({ ref: 'pulled-away' });
  await write.send({ action: WRITE, data: Buffer.from('never to be') });
  await daemon().call(ContentService.abort, { ref: 'pulled-away' });
  await fails(write.send({ action: COMMIT, offset: 11n }), status.NOT_FOUND, /pulled-away/);
  assert.equal((await listBlobs(daemon())).includes(digestOf('never to be')), false);
});

test('a blob of another namespace is taken over by its digest, without its data', async () => {
  const other = { namespace: `${daemon().namespace}-other` };
  const digest = await writeBlob(daemon(), 'common property', { labels: { from: 'first' } });
  await fails(daemon().call(ContentService.info, { digest }, other), status.NOT_FOUND, /./);
  const write = dialogue(other);
  const found = await write.send({ ref: 'taken', total: 15n, expected: digest });
  assert.deepEqual([found.offset, found.digest], [15n, digest]);
  assert.equal((await write.send({ action: COMMIT, offset: 15n, expected: digest })).digest, digest);
  await write.finish();
  assert.equal((await readBlob(daemon(), digest, other)).toString(), 'common property');
  assert.deepEqual((await daemon().call(ContentService.info, { digest }, other)).info?.labels, {});
  await daemon().call(ContentService.delete, { digest });
  assert.equal((await readBlob(daemon(), digest, other)).toString(), 'common property');
});

test('a blob of another namespace can be written over and beyond', async () => {
  const other = { namespace: `${daemon().namespace}-third` };
  const digest = await writeBlob(daemon(), 'base');
  const longer = dialogue(other);
  await longer.send({ ref: 'longer', expected: digest });
  await longer.send({ action: WRITE, offset: 4n, data: Buffer.from('ment') });
  assert.equal((await longer.send({ action: COMMIT, offset: 8n, expected: digestOf('basement') })).offset, 8n);
  const anew = dialogue(other);
  await anew.send({ ref: 'anew', expected: digest });
  assert.equal((await anew.send({ action: WRITE, data: Buffer.from('top') })).offset, 3n);
  assert.equal((await anew.send({ action: COMMIT, offset: 3n, expected: digestOf('top') })).digest, digestOf('top'));
});

test('a write needs a ref, a namespace, and digests that are digests', async () => {
  await fails(dialogue().send({ ref: '' }), status.INVALID_ARGUMENT, /ref/);
  await fails(dialogue({ namespace: '' }).send({ ref: 'x' }), status.FAILED_PRECONDITION, /namespace/);
  if (isContainerd) return;
  for (const expected of ['sha256:short', 'md5:d41d8cd98f00b204e9800998ecf8427e', `sha256:../../${'a'.repeat(58)}`]) {
    await fails(dialogue().send({ ref: 'x', expected }), status.INVALID_ARGUMENT, /digest/);
  }
});

test('other digests of OCI are computed as asked for', { skip: isContainerd }, async () => {
  const expected = digestOf('long digest', 'sha512');
  const write = dialogue();
  await write.send({ ref: 'sha512', expected });
  await write.send({ action: WRITE, data: Buffer.from('long digest') });
  assert.equal((await write.send({ action: COMMIT, offset: 11n, expected })).digest, expected);
  assert.equal((await readBlob(daemon(), expected)).toString(), 'long digest');
  const late = dialogue();
  await late.send({ ref: 'sha384' });
  await late.send({ action: WRITE, data: Buffer.from('late') });
  const other = digestOf('late', 'sha384');
  assert.equal((await late.send({ action: COMMIT, offset: 4n, expected: other })).digest, other);
});

test('a client that goes away in the middle of a read leaves no file open', { skip: isContainerd }, async () => {
  const digest = await writeBlob(daemon(), randomBytes(30_000_000));
  const openFiles = () => {
    const links = readdirSync(`/proc/${daemon().pid}/fd`).map((fd) => readLink(`/proc/${daemon().pid}/fd/${fd}`));
    return links.filter((target) => target.endsWith(digest.replace('sha256:', '')));
  };
  const { path, requestSerialize, responseDeserialize } = ContentService.read;
  const metadata = metadataFor({ namespace: daemon().namespace });
  const request = { digest, offset: 0n, size: 0n };
  // Read from no further than its first message, this stream stalls.
  const stalled = daemon().client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
    metadata,
  );
  stalled.on('error', () => undefined);
  await once(stalled, 'readable');
  assert.equal(openFiles().length, 1);
  stalled.cancel();
  await poll(() => openFiles().length === 0 || undefined, {
    limitMs: 5000,
    intervalMs: 20,
    what: 'the file to be closed',
  });
});

test('a blob is read in ranges', async () => {
  const data = randomBytes(2_500_000);
  const digest = await writeBlob(daemon(), data);
  assert.deepEqual(await readBlob(daemon(), digest), data);
  assert.deepEqual(await readBlob(daemon(), digest, { offset: 2_400_000 }), data.subarray(2_400_000));
  assert.deepEqual(await readBlob(daemon(), digest, { offset: 10, size: 1_500_000 }), data.subarray(10, 1_500_010));
  assert.deepEqual(await readBlob(daemon(), digest, { offset: 2_499_999, size: 50 }), data.subarray(2_499_999));
  assert.equal((await readBlob(daemon(), digest, { offset: 2_500_000 })).length, 0);
  await fails(readBlob(daemon(), digest, { offset: 2_500_001 }), status.OUT_OF_RANGE, /2500000/);
  await fails(readBlob(daemon(), digestOf('missing')), status.NOT_FOUND, /./);
  await fails(readBlob(daemon(), 'sha256:zz'), status.INVALID_ARGUMENT, /sha256:zz/);
});
