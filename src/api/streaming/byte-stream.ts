// Bytes over a stream, as containerd's transfers send archives: the receiver says how many it takes (a window), and the
// sender sends no more. The end of the stream is the end of the bytes.
import { BerthError } from '../../domain/errors.js';
import { Data, WindowUpdate } from '../../generated/containerd/types/transfer/streaming.js';
import type { Any } from '../../generated/google/protobuf/any.js';
import { type MessageType, packed, unpacked } from './any-message.js';
import type { ClientStream } from './client-streams.js';

const data = { name: 'containerd.types.transfer.Data', codec: Data };
const windowUpdate = { name: 'containerd.types.transfer.WindowUpdate', codec: WindowUpdate };

/** Bytes of one message: what containerd's clients send at most. */
const maxPieceBytes = 32 * 1024;
/** Bytes on their way to us. */
const windowBytes = 1024 * 1024;

/** Until the client has no more. */
export async function* receivedBytes(stream: ClientStream): AsyncGenerator<Buffer, void, undefined> {
  for (let window = 0; ; ) {
    if (window < windowBytes) {
      await stream.send(packed(windowUpdate, { update: windowBytes }));
      window += windowBytes;
    }
    const message = await stream.receive();
    if (message === undefined) return;
    const { data: bytes } = expected(data, message);
    window -= bytes.length;
    yield bytes;
  }
}

export async function sendBytes(stream: ClientStream, source: AsyncIterable<Buffer>): Promise<void> {
  let window = 0;
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; ) {
      while (window <= 0) {
        const message = await stream.receive();
        if (message === undefined) throw new BerthError('cancelled', 'the client takes no more of the stream');
        window += expected(windowUpdate, message).update;
      }
      const piece = bytes.subarray(at, at + Math.min(maxPieceBytes, window));
      await stream.send(packed(data, { data: piece }));
      at += piece.length;
      window -= piece.length;
    }
  }
}

function expected<M>(type: MessageType<M>, message: Any): M {
  const found = unpacked(type, message);
  if (found === undefined) throw new BerthError('invalid-argument', `a stream of bytes has a ${message.typeUrl}`);
  return found;
}
