// Push: sends an image, which is kept from garbage collection meanwhile.
import { randomUUID } from 'node:crypto';
import type { Descriptor } from '../../domain/image-records.js';
import { formatImageReference, parseImageReference } from '../../domain/image-reference.js';
import type { Platform } from '../../domain/platform.js';
import { getImage } from '../../images/image-records/images.js';
import { contentResource, holdByLease } from '../../images/lease-resources.js';
import { readImage } from '../../images/oci/read-image.js';
import { useRegistry } from '../../images/registry/open-registry.js';
import type { RegistryAccess } from '../../images/registry/registry-access.js';
import { pushTree } from '../../images/transfer/push-image.js';
import type { TransferProgress } from '../../images/transfer/transfer-progress.js';
import type { Scope } from '../../images/scope.js';
import type { Supervisor } from '../supervisor.js';
import type { NamedImage } from './pull-image.js';
import { together } from './together.js';
import { withTransferLease } from './with-transfer-lease.js';

export interface PushRequest {
  /** Name on record. */
  readonly image: string;
  /** Empty for the image's name. */
  readonly reference: string;
  readonly access: RegistryAccess;
  /** Undefined for all that the image has. */
  readonly platform: Platform | undefined;
}

export async function pushImage(
  supervisor: Supervisor,
  namespace: string,
  request: PushRequest,
  progress: TransferProgress,
  caller: AbortSignal,
): Promise<NamedImage> {
  const { images: storage } = supervisor;
  const { image, access, platform } = request;
  const reference = parseImageReference(request.reference || image);
  const lease = { namespace, id: `push-${randomUUID()}`, resumable: false };
  return await withTransferLease(supervisor, lease, caller, async (scope) => {
    const { target: whole } = await getImage(storage, namespace, image);
    const target = platform === undefined ? whole : (await readImage(storage, namespace, whole, platform)).target;
    await hold(supervisor, scope, whole);
    const failed = new AbortController();
    const signal = AbortSignal.any([caller, failed.signal]);
    await useRegistry(supervisor.transfers, { reference, access, actions: 'pull,push' }, async (client) => {
      await together([pushTree({ storage, scope, client, reference, progress, signal }, target)], failed);
    });
    return { name: formatImageReference(reference), target };
  });
}

/** With all that its labels name. */
async function hold({ store }: Supervisor, scope: Scope, { digest }: Descriptor): Promise<void> {
  await store.references.shared(async () => {
    await store.commit(await holdByLease(store, scope, contentResource(digest)));
  });
}
