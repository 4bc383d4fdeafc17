// `berthd publish`: how a shim tells an event by running the program that it was given as -publish-binary, instead of
// calling the daemon's socket. Written by containerd's contract; its own newer shims have no need of it.
import { buffer } from 'node:stream/consumers';
import { BerthError } from '../domain/errors.js';
import { nowNanos } from '../domain/time.js';
import { EventsDefinition } from '../generated/containerd/services/events/ttrpc/v1/events.js';
import { Any } from '../generated/google/protobuf/any.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';
import { dialTtrpc } from '../ttrpc/client.js';
import { eventsAddress } from './events-socket.js';

/** containerd gives a shim as long to publish an event. */
const publishTimeoutMs = 5000;

export interface Publication {
  readonly address: string;
  readonly namespace: string;
  readonly topic: string;
}

/** `input` is the event, a google.protobuf.Any. */
export async function publish(publication: Publication, input: NodeJS.ReadableStream): Promise<void> {
  const { address, namespace, topic } = publication;
  const event = decodeEvent(await buffer(input));
  await using connection = await dialTtrpc(eventsAddress(address), { timeoutMs: publishTimeoutMs });
  const envelope = { namespace, topic, timestamp: timestampFromNanos(nowNanos()), event };
  await connection.client(EventsDefinition).forward({ envelope }, { timeoutMs: publishTimeoutMs });
}

function decodeEvent(bytes: Uint8Array): Any {
  try {
    return Any.decode(bytes);
  } catch (error) {
    throw new BerthError('invalid-argument', 'standard input is no google.protobuf.Any', { cause: error });
  }
}
