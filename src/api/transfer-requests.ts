// What the requests of berth.v1.Images ask for, checked.
import { BerthError } from '../domain/errors.js';
import { hostPlatform, parsePlatform, type Platform } from '../domain/platform.js';
import type { PullImageRequest, RegistryAccess as RegistryAccessMessage } from '../generated/berth/v1/images.js';
import type { RegistryAccess } from '../images/registry/registry-access.js';
import type { PullRequest } from '../supervisor/transfers/pull-image.js';

export function accessFromWire(access: RegistryAccessMessage | undefined): RegistryAccess {
  return {
    username: access?.username ?? '',
    password: access?.password ?? '',
    identityToken: access?.identityToken ?? '',
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
    snapshotter,
    unpack: !noUnpack,
  };
}
