// Whom a registry's certificate is trusted from: Node's authorities, the host's own, those of the registry's directory (as
// Docker's /etc/docker/certs.d has them), and what the call brings.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { BerthError, messageOf } from '../../domain/errors.js';

export interface Certificates {
  /** In PEM. */
  readonly authorities: readonly string[];
  /** What this host shows of itself, where the registry's directory has such a pair. */
  readonly client?: { readonly certificate: string; readonly key: string };
}

/** Debian, Ubuntu, Alpine; Fedora, RHEL; openSUSE. The first that is there counts. */
const hostBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
];

/** `directory` has one directory per registry, named as references name it: `registry.example.com:5000`. */
export async function certificatesFor(directory: string, registry: string, given: string): Promise<Certificates> {
  const own = join(directory, registry);
  const names = (await orNothing(readdir(own))) ?? [];
  const read = async (name: string) => await readPem(join(own, name));
  const certificates = names.filter((name) => name.endsWith('.crt')).sort();
  const authorities = [
    ...rootCertificates,
    ...(await hostAuthorities()),
    ...(await Promise.all(certificates.map(read))),
    ...(given === '' ? [] : [given]),
  ];
  const pair = names.find((name) => name.endsWith('.cert') && names.includes(keyOf(name)));
  return pair === undefined ? { authorities } : { authorities, client: await readPair(join(own, pair)) };
}

function keyOf(certificate: string): string {
  return certificate.replace(/\.cert$/, '.key');
}

/** What TLS would say of a pair that does not match names neither file. */
async function readPair(path: string): Promise<{ readonly certificate: string; readonly key: string }> {
  const [certificate, key] = [await readPem(path), await readPem(keyOf(path))];
  let isPair: boolean;
  try {
    isPair = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    const message = `${path} and its key cannot be used: ${messageOf(error)}`;
    throw new BerthError('failed-precondition', message, { cause: error });
  }
  if (!isPair) throw new BerthError('failed-precondition', `${keyOf(path)} is not the key of ${path}`);
  return { certificate, key };
}

async function hostAuthorities(): Promise<string[]> {
  for (const path of hostBundles) {
    const found = await orNothing(readFile(path, 'utf8'));
    if (found !== undefined) return [found];
  }
  return [];
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new BerthError('failed-precondition', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function orNothing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw error;
  }
}
