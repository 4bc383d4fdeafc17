// One call as grpc-js serves it, with one difference: where it waits for each message to leave before it takes the next,
// or the status, several go to HTTP/2 at once, as far as they are encoded already and few bytes are on their way.
import { ServerInterceptingCall } from '@grpc/grpc-js';
import { EncodedMessage } from './encoded-message.js';

/** Of one call: what HTTP/2's usual window lets out at once. */
const maxUnsentBytes = 64 * 1024;

export class EagerCall extends ServerInterceptingCall {
  #unsentBytes = 0;

  /** `taken` is not called where the message fails: only what cannot be refused is called taken before it is sent. */
  override sendMessage(message: unknown, taken: () => void): void {
    const bytes = message instanceof EncodedMessage ? message.bytes.length : Infinity;
    if (this.#unsentBytes + bytes > maxUnsentBytes) {
      super.sendMessage(message, taken);
      return;
    }
    this.#unsentBytes += bytes;
    super.sendMessage(message, () => {
      this.#unsentBytes -= bytes;
    });
    taken();
  }
}
