// Tells a client how far its transfer is, on a stream: in the words that containerd uses, which `ctr` shows.
import { withDeadline } from '../../base/deadline.js';
import type { Descriptor } from '../../domain/image-records.js';
import { isIndex, isManifest, mediaTypes } from '../../domain/oci-image.js';
import { Progress } from '../../generated/containerd/types/transfer/progress.js';
import type { BlobProgress, BlobState, TransferProgress } from '../../images/transfer/transfer-progress.js';
import { packed } from '../streaming/any-message.js';
import type { ClientStream } from '../streaming/client-streams.js';
import { descriptorToWire } from '../transfer-messages.js';

const progress = { name: 'containerd.types.transfer.Progress', codec: Progress };
/** A client that takes longer to read a message is told no more: nobody waits for it. */
const deafAfterMs = 2000;

export class ProgressStream {
  #stream: ClientStream | undefined;

  /** Undefined for a client that wants none. */
  constructor(stream: ClientStream | undefined) {
    this.#stream = stream;
  }

  /** Something about the whole, or about the image `name`. */
  async tell(event: string, name = '', target?: Descriptor): Promise<void> {
    const desc = target && descriptorToWire(target);
    await this.#send({ event, name, parents: [], progress: 0n, total: 0n, desc });
  }

  /** `verb` says what is done with the bytes. The blobs are told as parts of the image `root`. */
  async follow(verb: string, root: string, transfer: TransferProgress): Promise<void> {
    for await (const blobs of transfer.reports()) {
      for (const blob of blobs) await this.#tellBlob(verb, root, blob);
    }
  }

  async #tellBlob(
    verb: string,
    root: string,
    { digest, mediaType, state, offset, total }: BlobProgress,
  ): Promise<void> {
    const name = `${kindOf(mediaType)}-${digest}`;
    const desc = descriptorToWire({ mediaType, digest, size: total, annotations: {} });
    const event = state === 'transferring' ? verb : events[state];
    await this.#send({ event, name, parents: [root], progress: BigInt(offset), total: BigInt(total), desc });
  }

  async #send(message: Progress): Promise<void> {
    try {
      const sent = this.#stream?.send(packed(progress, message));
      if (sent !== undefined) await withDeadline(sent, deafAfterMs, 'a client to read how far its transfer is');
    } catch {
      this.#stream = undefined;
    }
  }
}

/** As containerd has it; it has no words for unpacking. */
const events = {
  waiting: 'waiting',
  done: 'complete',
  exists: 'already exists',
  unpacking: 'complete',
  unpacked: 'complete',
} as const satisfies Record<Exclude<BlobState, 'transferring'>, string>;

function kindOf(mediaType: string): string {
  if (isIndex(mediaType)) return 'index';
  if (isManifest(mediaType)) return 'manifest';
  return mediaType === mediaTypes.config || mediaType === mediaTypes.dockerConfig ? 'config' : 'layer';
}
