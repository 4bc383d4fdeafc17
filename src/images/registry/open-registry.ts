// A client of one repository, with connections of its own that end with it.
import type { ImageReference } from '../../domain/image-reference.js';
import { certificatesFor } from './certificates.js';
import { HttpTransport } from './http-transport.js';
import type { RegistryAccess } from './registry-access.js';
import { RegistryClient } from './registry-client.js';

export interface RegistrySettings {
  /** Has a directory with certificates for each registry that needs some. */
  readonly certificatesDirectory: string;
  /** A registry that says nothing for so long has gone. */
  readonly stallMs: number;
}

export interface RegistryRequestOptions {
  readonly reference: ImageReference;
  readonly access: RegistryAccess;
  readonly actions: 'pull' | 'pull,push';
}

export async function useRegistry<T>(
  { certificatesDirectory, stallMs }: RegistrySettings,
  { reference, access, actions }: RegistryRequestOptions,
  work: (client: RegistryClient) => Promise<T>,
): Promise<T> {
  const { certificateAuthorities, insecureSkipVerify } = access;
  const certificates = await certificatesFor(certificatesDirectory, reference.registry, certificateAuthorities);
  const transport = new HttpTransport({ certificates, verify: !insecureSkipVerify, stallMs });
  try {
    return await work(new RegistryClient(reference, access, transport, actions));
  } finally {
    await transport.close();
  }
}
