// An image that has come, as commands print it.
import type { StoredImage } from '../../generated/berth/v1/images.js';
import type { Session } from '../session.js';

/** The name, or JSON: {name, digest, mediaType, snapshotter, chainId}. */
export function printStored(session: Session, { name, target, snapshotter, chainId }: StoredImage): void {
  if (!session.wantsJson) return session.printLine(name);
  const { digest = '', mediaType = '' } = target ?? {};
  session.printJsonLine({ name, digest, mediaType, snapshotter, chainId });
}
