// Platforms as OCI names them: an operating system, an architecture, and for some a variant.
import { BerthError } from './errors.js';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** Of the architecture, such as `v7`; empty for none. */
  readonly variant: string;
}

/** Node's names for what Go, and with it OCI, calls otherwise. */
const architectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  loong64: 'loong64',
  ppc64: 'ppc64le',
};
/** Variants that an architecture is taken to have where none is told. */
const defaultVariants: Readonly<Record<string, string>> = { arm: 'v7', arm64: 'v8' };

/** Of a host with Node's `process.arch`. */
export function hostPlatform(arch: string): Platform {
  return normalized({ os: 'linux', architecture: architectures[arch] ?? arch, variant: '' });
}

/** `os/architecture[/variant]`, or an architecture alone, which means that of Linux. */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  const [os = '', architecture = '', variant = ''] = parts.length === 1 ? ['linux', ...parts] : parts;
  if (parts.length > 3 || ![os, architecture].every(isWord) || (variant !== '' && !isWord(variant))) {
    throw new BerthError('invalid-argument', `platform ${JSON.stringify(text)} is not OS/ARCHITECTURE[/VARIANT]`);
  }
  return normalized({ os, architecture, variant });
}

/** With what it does not tell empty, or as the architecture has it. */
export function platformOf({ os = '', architecture = '', variant = '' }: Partial<Platform>): Platform {
  return normalized({ os, architecture, variant });
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === '' ? [] : [variant])].join('/');
}

/** Whether what is made for `offered` runs on `wanted`. */
export function runsOn(offered: Partial<Platform>, wanted: Platform): boolean {
  const { os, architecture, variant } = platformOf(offered);
  return os === wanted.os && architecture === wanted.architecture && isVariantWithin(variant, wanted.variant);
}

/**
 * What can run on `wanted`, the best first: what says that it is for the very variant, then what only runs there, then
 * what says nothing.
 */
export function preferredFor<O extends { readonly platform?: Partial<Platform> }>(
  offers: readonly O[],
  wanted: Platform,
): O[] {
  const closeness = ({ platform }: O): number => {
    if (platform === undefined) return 0;
    return (platform.variant ?? wanted.variant) === wanted.variant ? 2 : 1;
  };
  const usable = offers.filter(({ platform }) => platform === undefined || runsOn(platform, wanted));
  return usable.sort((a, b) => closeness(b) - closeness(a));
}

/** The older variants of an architecture run on the newer ones: `v6` on `v7`. */
function isVariantWithin(offered: string, wanted: string): boolean {
  if (offered === wanted) return true;
  const [older, newer] = [offered, wanted].map((variant) => /^v(\d+)$/.exec(variant)?.[1]);
  return older !== undefined && newer !== undefined && Number(older) <= Number(newer);
}

function normalized({ os, architecture, variant }: Platform): Platform {
  const known = { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64', armhf: 'arm', armel: 'arm' }[architecture];
  const name = known ?? architecture;
  return {
    os: os.toLowerCase(),
    architecture: name,
    variant: variant === '' ? (defaultVariants[name] ?? '') : variant,
  };
}

function isWord(text: string): boolean {
  return /^[A-Za-z0-9_.-]+$/.test(text);
}
