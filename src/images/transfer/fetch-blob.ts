// One blob from the registry into the content store: gone on with where an earlier attempt has left off, tried again when
// the connection breaks, and never more bytes than its descriptor says.
import { failpoint } from '../../base/failpoint.js';
import { gatheredPieces } from '../../base/gathered-pieces.js';
import { parseDigest } from '../../domain/digest.js';
import { BerthError, isBerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import type { ContentWriter } from '../content/content-writer.js';
import type { RegistryAnswer } from '../registry/registry-client.js';
import { maxAttempts, mayPass, waitBeforeRetry } from '../registry/retry.js';
import { getBlob } from '../content/blobs.js';
import { sourceLabelFor, withRepository } from './child-labels.js';
import { addLabels } from './keep-document.js';
import { openFreeWriter } from './open-free-writer.js';
import type { Transfer } from './transfer.js';

/** What comes from the network is gathered into pieces of this size: the ingest thread takes each with its memory. */
const pieceBytes = 512 * 1024;
/** An attempt that brought so much was no failure: the next is the first again. */
const progressBytes = 1024 * 1024;

/** `kind` is `layer` or `config`: writes have the names that containerd's clients give them, and either goes on with them. */
export async function fetchBlob(transfer: Transfer, kind: string, blob: Descriptor): Promise<void> {
  const { storage, scope, progress, reference, signal } = transfer;
  const [label, repository] = sourceLabelFor(reference);
  const { digest, size } = blob;
  try {
    const writer = await openFreeWriter(
      storage,
      scope,
      { ref: `${kind}-${digest}`, total: size, expected: digest },
      signal,
    );
    try {
      await fill(transfer, writer, blob);
      await writer.commit({ total: size, expected: parseDigest(digest), labels: { [label]: repository } });
    } finally {
      await writer.close();
    }
    progress.update(blob, 'done');
  } catch (error) {
    if (!isBerthError(error, 'already-exists')) throw error;
    const { labels } = await getBlob(storage, scope.namespace, digest);
    await addLabels(storage, scope.namespace, digest, { [label]: withRepository(labels[label], repository) });
    progress.update(blob, 'exists');
  }
  failpoint('pull.blob-fetched');
}

async function fill(transfer: Transfer, writer: ContentWriter, blob: Descriptor): Promise<void> {
  const { progress, signal } = transfer;
  // More than the whole is left of a write that was another's.
  if (writer.offset > blob.size) await writer.truncate();
  for (let attempt = 1; writer.offset < blob.size; attempt++) {
    const before = writer.offset;
    progress.update(blob, 'transferring', before);
    try {
      await download(transfer, writer, blob);
      return;
    } catch (error) {
      if (!mayPass(error) || signal.aborted) throw error;
      if (writer.offset - before >= progressBytes) attempt = 1;
      if (attempt === maxAttempts) throw error;
      await waitBeforeRetry(attempt, signal);
    }
  }
}

async function download(transfer: Transfer, writer: ContentWriter, blob: Descriptor): Promise<void> {
  const { client, progress, signal } = transfer;
  const what = `blob ${blob.digest} of ${client.repository}`;
  const range = writer.offset > 0 ? { range: `bytes=${writer.offset}-` } : {};
  const answer = await client.send({
    method: 'GET',
    path: `blobs/${blob.digest}`,
    headers: range,
    expected: [416],
    what,
    signal,
  });
  try {
    await placeAt(writer, answer, what);
    for await (const piece of gatheredPieces(answer.body, pieceBytes)) {
      if (writer.offset + piece.length > blob.size) {
        throw new BerthError('failed-precondition', `${what}: the registry sends more than ${blob.size} bytes`);
      }
      await writer.append(piece);
      failpoint('pull.piece-written');
      progress.update(blob, 'transferring', writer.offset);
    }
  } finally {
    await answer.discard();
  }
  if (writer.offset === blob.size) return;
  throw new BerthError('unavailable', `${what}: the registry sent ${writer.offset} bytes of ${blob.size}`);
}

/** A registry need not know ranges: then all comes again. */
async function placeAt(writer: ContentWriter, { status, headers }: RegistryAnswer, what: string): Promise<void> {
  if (status === 206) {
    const start = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1];
    if (start !== undefined && Number(start) === writer.offset) return;
    throw new BerthError('failed-precondition', `${what}: the registry sent another part than it was asked for`);
  }
  if (writer.offset > 0) await writer.truncate();
  if (status === 416) throw new BerthError('unavailable', `${what}: the registry refuses to go on in the middle`);
}
