// The two ends of a transfer, as containerd's clients name them: a registry, the image store, an archive that comes or goes.
import { BerthError } from '../../domain/errors.js';
import { hostPlatform, type Platform, platformOf } from '../../domain/platform.js';
import type { Platform as PlatformMessage } from '../../generated/containerd/types/platform.js';
import { ImageStore } from '../../generated/containerd/types/transfer/imagestore.js';
import { ImageExportStream, ImageImportStream } from '../../generated/containerd/types/transfer/importexport.js';
import { OCIRegistry } from '../../generated/containerd/types/transfer/registry.js';
import type { Any } from '../../generated/google/protobuf/any.js';
import { type MessageType, unpacked } from '../streaming/any-message.js';

export type TransferEnd =
  | { readonly kind: 'registry'; readonly message: OCIRegistry }
  | { readonly kind: 'store'; readonly message: ImageStore }
  | { readonly kind: 'import'; readonly message: ImageImportStream }
  | { readonly kind: 'export'; readonly message: ImageExportStream };

/** Throws `unimplemented` for a message of another type. */
export function endFromWire(any: Any | undefined): TransferEnd {
  if (any === undefined) throw new BerthError('invalid-argument', 'a transfer must have a source and a destination');
  const end = readers.map((read) => read(any)).find((found) => found !== undefined);
  if (end === undefined) throw new BerthError('unimplemented', `no transfer from or to a ${any.typeUrl}`);
  return end;
}

/** Ids of the streams that it names; empty ones mean none. */
export function streamsOf(end: TransferEnd): string[] {
  switch (end.kind) {
    case 'registry':
      // On that of logs there is nothing to be said; the client waits for its end.
      return [end.message.resolver?.authStream ?? '', end.message.resolver?.logsStream ?? ''];
    case 'store':
      return [];
    case 'import':
    case 'export':
      return [end.message.stream];
  }
}

const readers: readonly ((any: Any) => TransferEnd | undefined)[] = [
  reader('OCIRegistry', OCIRegistry, (message) => ({ kind: 'registry', message })),
  reader('ImageStore', ImageStore, (message) => ({ kind: 'store', message })),
  reader('ImageImportStream', ImageImportStream, (message) => ({ kind: 'import', message })),
  reader('ImageExportStream', ImageExportStream, (message) => ({ kind: 'export', message })),
];

function reader<M>(name: string, codec: MessageType<M>['codec'], toEnd: (message: M) => TransferEnd) {
  return (any: Any): TransferEnd | undefined => {
    const message = unpacked({ name: `containerd.types.transfer.${name}`, codec }, any);
    return message === undefined ? undefined : toEnd(message);
  };
}

/** Throws `unimplemented` for what we cannot do: better than to do something else than was asked for. */
export function refuseUnknown(end: TransferEnd): void {
  if (end.kind === 'registry') {
    refuse((end.message.resolver?.hostDir ?? '') !== '', 'a directory with configuration for registries');
  } else if (end.kind === 'store') {
    const { platforms, manifestLimit, extraReferences } = end.message;
    // Of each platform there is the best alone.
    refuse(manifestLimit > 0 && (platforms.length === 0 || platforms.length > manifestLimit), 'a limit of manifests');
    const isDigested = extraReferences.some(({ isPrefix, addDigest }) => addDigest && !isPrefix);
    refuse(isDigested, 'a digest after a name that is no prefix');
  } else if (end.kind === 'import') {
    refuse(end.message.forceCompress, 'compressing what is imported');
  } else {
    refuse(end.message.skipNonDistributable, 'an export without what may not be passed on');
  }
}

function refuse(isAsked: boolean, what: string): void {
  if (isAsked) throw new BerthError('unimplemented', `a transfer cannot do this here: ${what}`);
}

/** The host's where the client names none. */
export function platformFromMessage(message: PlatformMessage | undefined): Platform {
  return message === undefined ? hostPlatform(process.arch) : platformOf(message);
}

/** Names for one image: its own, and what else it is to be called. */
export function namesOf({ name, extraReferences }: ImageStore): string[] {
  const others = extraReferences.filter(({ isPrefix }) => !isPrefix).map((reference) => reference.name);
  const names = [...new Set([name, ...others])].filter((given) => given !== '');
  if (names.length === 0) throw new BerthError('not-found', 'no image name found: not found');
  return names;
}

export interface WantedPlatforms {
  readonly platforms: readonly Platform[];
  readonly allPlatforms: boolean;
  readonly allMetadata: boolean;
}

/** Those of which the content is fetched. */
export function wantedPlatformsOf({ platforms, allMetadata }: ImageStore): WantedPlatforms {
  return { platforms: platforms.map(platformFromMessage), allPlatforms: platforms.length === 0, allMetadata };
}

/** Of what goes out; `otherwise` where the client names none. */
export function exportPlatformOf<T>(
  end: { readonly platforms: readonly PlatformMessage[] },
  otherwise: T,
): Platform | T {
  const [only, ...others] = end.platforms;
  if (others.length > 0) throw new BerthError('unimplemented', 'a transfer sends one platform, or all');
  return only === undefined ? otherwise : platformFromMessage(only);
}

export interface UnpackRequest {
  readonly unpack: boolean;
  /** Empty for the default. */
  readonly snapshotter: string;
}

export function unpackOf({ unpacks }: ImageStore): UnpackRequest {
  const [snapshotter = '', ...others] = [...new Set(unpacks.map((unpack) => unpack.snapshotter))];
  if (others.length > 0) throw new BerthError('unimplemented', 'a transfer unpacks for one snapshotter');
  return { unpack: unpacks.length > 0, snapshotter };
}

/** For which it is unpacked; none where it is not. */
export function unpackPlatformsOf({ unpacks }: ImageStore): Platform[] {
  return unpacks.map(({ platform }) => platformFromMessage(platform));
}
