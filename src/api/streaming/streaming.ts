// containerd.services.streaming.v1: opens streams for the calls that name them.
import { BerthError } from '../../domain/errors.js';
import { StreamInit, type StreamingService } from '../../generated/containerd/services/streaming/v1/streaming.js';
import type { Handlers } from '../service.js';
import { unpacked } from './any-message.js';
import { ClientStream, type ClientStreams } from './client-streams.js';

const init = { name: 'containerd.services.streaming.v1.StreamInit', codec: StreamInit };
const acknowledgement = { typeUrl: 'google.protobuf.Empty', value: Buffer.alloc(0) };

export function streamingHandlers(streams: ClientStreams): Handlers<typeof StreamingService> {
  return {
    async *stream(messages, call) {
      const namespace = call.namespace();
      const incoming = messages[Symbol.asyncIterator]();
      const first = await incoming.next();
      const opening = first.done === true ? undefined : unpacked(init, first.value);
      if (opening === undefined) throw new BerthError('invalid-argument', 'a stream begins with a StreamInit');
      const stream = new ClientStream(incoming, call.signal);
      streams.add(namespace, opening.id, stream);
      try {
        yield acknowledgement;
        yield* stream.sent();
      } finally {
        streams.remove(namespace, opening.id, stream);
        // Where the client has gone while a message was being sent to it.
        stream.close();
      }
    },
  };
}
