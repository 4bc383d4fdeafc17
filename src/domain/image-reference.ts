// References to images in registries, `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`, with Docker's defaults: `alpine` means
// `docker.io/library/alpine:latest`.
import { isDigest } from './digest.js';
import { BerthError } from './errors.js';

export interface ImageReference {
  /** Host and, where it is told, port: `docker.io`, `127.0.0.1:5000`. */
  readonly registry: string;
  /** `library/alpine`. */
  readonly repository: string;
  /** Empty where only a digest is told. */
  readonly tag: string;
  /** Empty where none is told. */
  readonly digest: string;
}

export const dockerHub = 'docker.io';
const hubAlias = 'index.docker.io';
const hubLibrary = 'library/';
const defaultTag = 'latest';

/** Characters of registry and repository together; the limit of the distribution specification. */
const maxNameLength = 255;

const hostPattern =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/;
const componentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;

/** Throws `invalid-argument` for what no registry could have. */
export function parseImageReference(text: string): ImageReference {
  const [named = '', digest, ...more] = text.split('@');
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) throw bad(text, 'its digest is not valid');
  const { path, tag } = withoutTag(named);
  const { registry, repository } = withRegistry(path);
  if (!hostPattern.test(registry)) throw bad(text, `${JSON.stringify(registry)} is no registry`);
  if (!repository.split('/').every((component) => componentPattern.test(component))) {
    const hint = /[A-Z]/.test(repository) ? ': it must be lower case' : '';
    throw bad(text, `${JSON.stringify(repository)} is no repository${hint}`);
  }
  if (tag !== undefined && !tagPattern.test(tag)) throw bad(text, `${JSON.stringify(tag)} is no tag`);
  if (registry.length + 1 + repository.length > maxNameLength) {
    throw bad(text, `its name has more than ${maxNameLength} characters`);
  }
  return { registry, repository, tag: tag ?? (digest === undefined ? defaultTag : ''), digest: digest ?? '' };
}

/** The name in full, as images are recorded under it. */
export function formatImageReference({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${digest}`}`;
}

/** `text` in full where it is a reference, else as it is: images may be recorded under any name. */
export function fullImageName(text: string): string {
  try {
    return formatImageReference(parseImageReference(text));
  } catch {
    return text;
  }
}

/** Whether only this machine answers there; such registries may be spoken to without TLS. */
export function isLoopbackRegistry(registry: string): boolean {
  const host = hostOf(registry);
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Without the port. */
export function hostOf(registry: string): string {
  return registry.replace(/:\d+$/, '');
}

function withoutTag(named: string): { readonly path: string; readonly tag: string | undefined } {
  const colon = named.lastIndexOf(':');
  if (colon === -1 || named.indexOf('/', colon) !== -1) return { path: named, tag: undefined };
  return { path: named.slice(0, colon), tag: named.slice(colon + 1) };
}

/** The first component is a registry only where it cannot be part of a repository on Docker Hub. */
function withRegistry(path: string): Pick<ImageReference, 'registry' | 'repository'> {
  const slash = path.indexOf('/');
  const first = path.slice(0, Math.max(slash, 0));
  const isRegistry = slash !== -1 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const registry = isRegistry && first !== hubAlias ? first : dockerHub;
  const rest = isRegistry ? path.slice(slash + 1) : path;
  const isOfficial = registry === dockerHub && !rest.includes('/');
  return { registry, repository: isOfficial ? `${hubLibrary}${rest}` : rest };
}

function bad(text: string, why: string): BerthError {
  return new BerthError('invalid-argument', `image reference ${JSON.stringify(text.slice(0, 300))}: ${why}`);
}
