// A checkpoint as containerd's clients keep it: a tar of the image in the content store, named by a descriptor, and
// beside it the container's spec.
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError, isBerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import type { TypedValue } from '../../domain/records.js';
import { Any } from '../../generated/google/protobuf/any.js';
import { getBlob } from '../../images/content/blobs.js';
import type { ContentWriter } from '../../images/content/content-writer.js';
import { abortIngest } from '../../images/content/ingests.js';
import { openWriter } from '../../images/content/open-writer.js';
import { readBlob } from '../../images/content/read-blob.js';
import type { Scope } from '../../images/scope.js';
import type { Supervisor } from '../supervisor.js';
import { scratchPrefix } from './checkpoint-directory.js';
import { packDirectory, unpackInto } from './tar.js';

const imageMediaType = 'application/vnd.containerd.container.criu.checkpoint.criu.tar';
const specMediaType = 'application/vnd.containerd.container.checkpoint.config.v1+proto';
/** In the bundle of a task that is to be restored from it. */
export const unpackedImageName = 'checkpoint';
/** What is in memory may be secret. */
const directoryMode = 0o700;

/** Runs `use` with an empty directory that is gone afterwards. */
export async function withScratch<T>(
  { checkpointsDirectory }: Supervisor,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  await mkdir(checkpointsDirectory, { recursive: true, mode: directoryMode });
  const directory = await mkdtemp(join(checkpointsDirectory, scratchPrefix));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The descriptors that containerd answers: of the image, and of the spec. */
export async function storeImage(
  supervisor: Supervisor,
  scope: Scope,
  directory: string,
  spec: TypedValue | undefined,
): Promise<Descriptor[]> {
  const image = await store(supervisor, scope, imageMediaType, (writer) =>
    packDirectory(supervisor.orphans, directory, (piece) => writer.append(piece)),
  );
  const message = { typeUrl: spec?.typeUrl ?? '', value: Buffer.from(spec?.value ?? []) };
  const config = await store(supervisor, scope, specMediaType, (writer) => writer.append(Any.encode(message).finish()));
  return [image, config];
}

/** Unpacks the image that the descriptor names into `directory`, which it makes. */
export async function fetchImage(
  { images, orphans }: Supervisor,
  namespace: string,
  { mediaType, digest }: Pick<Descriptor, 'mediaType' | 'digest'>,
  directory: string,
): Promise<void> {
  if (mediaType !== imageMediaType) {
    throw new BerthError('invalid-argument', `unsupported checkpoint type ${JSON.stringify(mediaType)}`);
  }
  await mkdir(directory, { mode: directoryMode });
  await unpackInto(
    orphans,
    directory,
    bytesOf(readBlob(images, namespace, digest, { offset: 0, size: 0, headroom: 0 })),
  );
}

/** Each piece is copied: it is good only until the next is asked for, and a pipe may hold it longer. */
async function* bytesOf(pieces: AsyncIterable<{ readonly buffer: Buffer }>): AsyncGenerator<Buffer, void, undefined> {
  for await (const { buffer } of pieces) yield Buffer.from(buffer);
}

async function store(
  { images }: Supervisor,
  scope: Scope,
  mediaType: string,
  write: (writer: ContentWriter) => Promise<void>,
): Promise<Descriptor> {
  const ref = `checkpoint-${randomUUID()}`;
  const writer = await openWriter(images, scope, { ref, total: 0, expected: '' });
  try {
    await write(writer);
    const digest = await writer.digest();
    const { size } = await writer.commit({ total: 0, expected: undefined, labels: {} }).catch((error: unknown) => {
      // The same spec was stored before.
      if (isBerthError(error, 'already-exists')) return getBlob(images, scope.namespace, digest);
      throw error;
    });
    return { mediaType, digest, size, annotations: {} };
  } catch (error) {
    await writer.close();
    await abortIngest(images, scope, ref).catch(() => undefined);
    throw error;
  } finally {
    await writer.close();
  }
}
