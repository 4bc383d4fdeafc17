// Messages on streams and in calls that take messages of several types.
import { BerthError } from '../../domain/errors.js';
import type { Any } from '../../generated/google/protobuf/any.js';

/** What ts-proto generates of a message, with the name of its type. */
export interface MessageType<M> {
  readonly name: string;
  readonly codec: {
    encode(message: M): { finish(): Uint8Array };
    decode(bytes: Uint8Array): M;
  };
}

export function packed<M>({ name, codec }: MessageType<M>, message: M): Any {
  return { typeUrl: name, value: Buffer.from(codec.encode(message).finish()) };
}

/** Undefined where the message is of another type. Throws `invalid-argument` where it is none. */
export function unpacked<M>({ name, codec }: MessageType<M>, { typeUrl, value }: Any): M | undefined {
  if (typeName(typeUrl) !== name) return undefined;
  try {
    return codec.decode(value);
  } catch (error) {
    throw new BerthError('invalid-argument', `what comes as a ${name} is none`, { cause: error });
  }
}

/** A type's URL may have a host before the name. */
function typeName(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
}
