// What an archive holds, once it has come: its files as blobs of the content store, and its few documents.
import { BerthError, isBerthError } from '../../domain/errors.js';
import { formatDigest, isDigest, parseDigest } from '../../domain/digest.js';
import { gatheredPieces } from '../../base/gathered-pieces.js';
import type { ContentWriter } from '../content/content-writer.js';
import type { ImageStorage } from '../image-storage.js';
import { maxDocumentBytes } from '../oci/read-image.js';
import type { Scope } from '../scope.js';
import { openFreeWriter } from '../transfer/open-free-writer.js';
import { type ArchiveEntry, archiveEntries } from './archive-entries.js';

export interface StoredFile {
  readonly digest: string;
  readonly size: number;
}

export interface ArchiveContent {
  /** By path; links lead to what they name. */
  find(path: string): StoredFile | undefined;
  /** Of `oci-layout`, `index.json` and `manifest.json`. */
  readonly documents: ReadonlyMap<string, Buffer>;
}

export interface ArchiveLimits {
  /** Bytes of one file. */
  readonly maxBytes: number;
}

const documentNames = ['oci-layout', 'index.json', 'manifest.json'];
/** Of Docker's first format; the newer says the same. */
const ignored = /(?:^|\/)(?:repositories|VERSION|json)$/;
const pieceBytes = 512 * 1024;
const maxLinks = 8;

/** `ref` is what the unfinished writes are named after. */
export async function readArchive(
  storage: ImageStorage,
  scope: Scope,
  source: AsyncIterable<Uint8Array>,
  options: { readonly ref: string; readonly limits: ArchiveLimits; readonly signal: AbortSignal },
): Promise<ArchiveContent> {
  const files = new Map<string, StoredFile>();
  const links = new Map<string, string>();
  const documents = new Map<string, Buffer>();
  for await (const entry of archiveEntries(source)) {
    options.signal.throwIfAborted();
    const { path, kind, size } = entry;
    if (kind === 'link') links.set(path, entry.target);
    else if (documentNames.includes(path)) documents.set(path, await readSmall(entry));
    else if (!ignored.test(path)) {
      if (size > options.limits.maxBytes) {
        throw new BerthError('resource-exhausted', `${path} has ${size} bytes, more than ${options.limits.maxBytes}`);
      }
      files.set(path, await storeFile(storage, scope, entry, options));
    }
  }
  return {
    documents,
    find: (path) => {
      let at = path;
      for (let hops = 0; hops < maxLinks && !files.has(at); hops++) at = links.get(at) ?? at;
      return files.get(at);
    },
  };
}

async function readSmall({ path, size, content }: ArchiveEntry): Promise<Buffer> {
  if (size > maxDocumentBytes)
    throw new BerthError('invalid-argument', `${path} has more than ${maxDocumentBytes} bytes`);
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function storeFile(
  storage: ImageStorage,
  scope: Scope,
  { path, size, content }: ArchiveEntry,
  { ref, signal }: { readonly ref: string; readonly signal: AbortSignal },
): Promise<StoredFile> {
  const expected = digestIn(path);
  let writer: ContentWriter;
  try {
    const request = { ref: `${ref}-${path}`, total: size, expected: expected ?? '' };
    writer = await openFreeWriter(storage, scope, request, signal);
  } catch (error) {
    if (expected === undefined || !isBerthError(error, 'already-exists')) throw error;
    for await (const _ of content);
    return { digest: expected, size };
  }
  try {
    if (writer.offset > 0) await writer.truncate();
    for await (const piece of gatheredPieces(content, pieceBytes)) await writer.append(piece);
    const digest = expected ?? (await writer.digest());
    await writer.commit({ total: size, expected: parseDigest(digest), labels: {} }).catch((error: unknown) => {
      if (!isBerthError(error, 'already-exists')) throw error;
    });
    return { digest, size };
  } finally {
    await writer.close();
  }
}

/** Of an OCI layout's blob: the name says what it has to be. */
function digestIn(path: string): string | undefined {
  const [folder, algorithm = '', hex = '', ...rest] = path.split('/');
  const digest = `${algorithm}:${hex}`;
  return folder === 'blobs' && rest.length === 0 && isDigest(digest) ? formatDigest(parseDigest(digest)) : undefined;
}
