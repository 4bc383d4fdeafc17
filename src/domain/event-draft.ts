// An event for the journal from a message of any wire: topic, time, and the message under its type's URL.
import type { EventDraft } from './records.js';
import { nowNanos } from './time.js';

/** What a generated message type offers for writing it. */
export interface MessageEncoder<M> {
  encode(message: M): { finish(): Uint8Array };
}

export function eventDraft<M>(
  envelope: { readonly namespace: string; readonly topic: string; readonly typeUrl: string },
  encoder: MessageEncoder<M>,
  message: M,
): EventDraft {
  const { namespace, topic, typeUrl } = envelope;
  return { namespace, topic, timestamp: nowNanos(), event: { typeUrl, value: encoder.encode(message).finish() } };
}
