// What the requests of berth.v1.Images ask for, checked.
import { BerthError } from '../domain/errors.js';
import { hostPlatform, parsePlatform, type Platform } from '../domain/platform.js';
import type {
  ImportImagesRequest,
  ImportOptions,
  PullImageRequest,
  PushImageRequest,
  RegistryAccess as RegistryAccessMessage,
} from '../generated/berth/v1/images.js';
import { namesAfter } from '../images/archive/image-names.js';
import type { RegistryAccess } from '../images/registry/registry-access.js';
import type { ImportRequest } from '../supervisor/transfers/import-images.js';
import type { PullRequest } from '../supervisor/transfers/pull-image.js';
import type { PushRequest } from '../supervisor/transfers/push-image.js';

export function accessFromWire(access: RegistryAccessMessage | undefined): RegistryAccess {
  const credentials = {
    username: access?.username ?? '',
    password: access?.password ?? '',
    identityToken: access?.identityToken ?? '',
    authorization: '',
  };
  return {
    credentials: async () => credentials,
    headers: {},
    registryToken: access?.registryToken ?? '',
    plainHttp: access?.plainHttp ?? false,
    insecureSkipVerify: access?.insecureSkipVerify ?? false,
    certificateAuthorities: access?.certificateAuthorities ?? '',
  };
}

/** Empty means the host's. */
export function platformFromWire(text: string): Platform {
  return text === '' ? hostPlatform(process.arch) : parsePlatform(text);
}

export function pullFromWire(request: PullImageRequest): PullRequest {
  const { reference, access, platforms, allPlatforms, snapshotter, noUnpack } = request;
  if (reference === '') throw new BerthError('invalid-argument', 'a pull must name a reference');
  return {
    reference,
    access: accessFromWire(access),
    platforms: platforms.map(parsePlatform),
    allPlatforms,
    allMetadata: false,
    snapshotter,
    unpack: !noUnpack,
    unpackPlatforms: [],
    names: [],
    labels: {},
  };
}

export function pushFromWire({ image, reference, access, platform }: PushImageRequest): PushRequest {
  if (image === '') throw new BerthError('invalid-argument', 'a push must name an image');
  const only = platform === '' ? undefined : parsePlatform(platform);
  return { image, reference, access: accessFromWire(access), platform: only };
}

/** The first message has the options, all others the archive. */
export async function importFromWire(messages: AsyncIterable<ImportImagesRequest>): Promise<ImportRequest> {
  const iterator = messages[Symbol.asyncIterator]();
  const first = await iterator.next();
  const message = first.done === true ? undefined : first.value.message;
  if (message?.$case !== 'options') throw new BerthError('invalid-argument', 'an import begins with its options');
  const { baseName, platform, snapshotter, noUnpack }: ImportOptions = message.value;
  const archive = dataOf({ [Symbol.asyncIterator]: () => iterator });
  const naming = namesAfter(baseName);
  return { naming, labels: {}, platform: platformFromWire(platform), snapshotter, unpack: !noUnpack, archive };
}

async function* dataOf(messages: AsyncIterable<ImportImagesRequest>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { message } of messages) {
    if (message?.$case !== 'data') throw new BerthError('invalid-argument', 'the options of an import come once');
    yield message.value;
  }
}
