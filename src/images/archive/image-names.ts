// Which names the images of an archive get.
import { BerthError } from '../../domain/errors.js';
import { fullImageName, parseImageReference } from '../../domain/image-reference.js';

/** From what the archive says of an image: names in full, or no more than tags. */
export type ImageNaming = (digest: string, names: readonly string[]) => string[];

/** How containerd's clients say it. */
export interface NameReference {
  readonly name: string;
  /** It lacks a tag or a digest. */
  readonly isPrefix: boolean;
  /** A name in full counts also where it does not begin with the prefix. */
  readonly allowOverwrite: boolean;
  /** An image gets PREFIX@DIGEST as well. */
  readonly addDigest: boolean;
  /** But not where it has a name. */
  readonly skipNamedDigest: boolean;
}

/** Names in full are kept, and `baseName`, which may be empty, goes before those that are tags. An image without is an error. */
export function namesAfter(baseName: string): ImageNaming {
  return (digest, names) => {
    const full = names.flatMap((name) => {
      if (isFull(name)) return [fullImageName(name)];
      return baseName === '' ? [] : [fullImageName(`${baseName}:${name}`)];
    });
    if (names.length === 0 && baseName !== '') full.push(fullImageName(baseName));
    for (const name of full) parseImageReference(name);
    if (full.length > 0) return full;
    throw new BerthError(
      'invalid-argument',
      `the archive has no full name for image ${digest}: give one to go before its tag`,
    );
  };
}

/** As containerd's transfer service names them (its core/transfer/image/imagestore.go): an image may get no name. */
export function namesByReferences(references: readonly NameReference[]): ImageNaming {
  return (digest, names) => {
    const given = references
      .filter(({ isPrefix }) => isPrefix)
      .flatMap((reference) => {
        const found = names.flatMap((name) => nameUnder(reference, name));
        const isDigested = reference.addDigest && !(reference.skipNamedDigest && found.length > 0);
        return isDigested ? [...found, `${reference.name}@${digest}`] : found;
      });
    return [...new Set(given)];
  };
}

function nameUnder({ name: prefix, allowOverwrite }: NameReference, name: string): string[] {
  if (!isFull(name)) return [`${prefix}:${name}`];
  return allowOverwrite || beginsWith(name, prefix) ? [name] : [];
}

function isFull(name: string): boolean {
  return /[/:@]/.test(name);
}

/** With whole components. */
function beginsWith(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && /^(?:$|[/:@])/.test(name.slice(prefix.length));
}
