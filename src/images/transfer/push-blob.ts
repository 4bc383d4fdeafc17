// One blob to the registry: not where it is there, mounted where the registry has it under another name, else sent whole.
import { BerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import { getBlob } from '../content/blobs.js';
import { readBlob } from '../content/read-blob.js';
import type { RegistryAnswer } from '../registry/registry-client.js';
import { withRetries } from '../registry/retry.js';
import { sourceLabelFor } from './child-labels.js';
import type { Transfer } from './transfer.js';

export async function pushBlob(transfer: Transfer, blob: Descriptor): Promise<void> {
  const { client, progress, signal } = transfer;
  const what = `blob ${blob.digest} to ${client.repository}`;
  await withRetries(signal, async () => {
    const path = `blobs/${blob.digest}`;
    const found = await client.send({ method: 'HEAD', path, expected: [404], what, signal });
    await found.discard();
    if (found.status !== 404) {
      progress.update(blob, 'exists');
      return;
    }
    const session = await beginUpload(transfer, blob, what);
    await session.discard();
    if (session.status !== 201) await upload(transfer, blob, session, what);
    progress.update(blob, 'done');
  });
}

/** 201 where the blob could be mounted, and is there then. */
async function beginUpload(transfer: Transfer, { digest }: Descriptor, what: string): Promise<RegistryAnswer> {
  const { client, storage, scope, reference, signal } = transfer;
  const [label] = sourceLabelFor(reference);
  const { labels } = await getBlob(storage, scope.namespace, digest);
  const from = labels[label]?.split(',').find((repository) => repository !== client.repository);
  const query = from === undefined ? '' : `?${new URLSearchParams({ mount: digest, from }).toString()}`;
  const request = { method: 'POST', headers: { 'content-length': '0' }, what, signal } as const;
  const answer = await client.send({ ...request, path: `blobs/uploads/${query}`, expected: [401, 403, 404] });
  if (answer.status < 400) return answer;
  await answer.discard();
  // The other repository is not for us: then it has to be sent.
  return await client.send({ ...request, path: 'blobs/uploads/' });
}

async function upload(transfer: Transfer, blob: Descriptor, session: RegistryAnswer, what: string): Promise<void> {
  const { client, signal } = transfer;
  const location = client.locationOf(session, what);
  location.searchParams.set('digest', blob.digest);
  const answer = await client.send({
    method: 'PUT',
    path: location,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(blob.size) },
    body: () => contentOf(transfer, blob),
    what,
    signal,
  });
  await answer.discard();
  if (answer.status === 201) return;
  throw new BerthError('failed-precondition', `${what}: the registry answered ${answer.status} to all of it`);
}

async function* contentOf({ storage, scope, progress }: Transfer, blob: Descriptor): AsyncGenerator<Buffer> {
  const range = { offset: 0, size: 0, headroom: 0 };
  for await (const { offset, buffer } of readBlob(storage, scope.namespace, blob.digest, range)) {
    progress.update(blob, 'transferring', offset);
    // The buffer is used again, while the network may still have this piece.
    yield Buffer.from(buffer);
  }
}
