// The ttrpc frame: a header of ten bytes (payload length, stream id, type, flags; big-endian), then the payload.
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { BerthError } from '../domain/errors.js';
import { maxFrameBytes } from './limits.js';

export const frameHeaderBytes = 10;

export const frameTypes = { request: 1, response: 2, data: 3 } as const;

/** Named from the receiver's view: the sender of `remoteClosed` sends no more data on this stream. */
export const frameFlags = { none: 0, remoteClosed: 1, remoteOpen: 2, noData: 4 } as const;

/** The last data frame of a stream. containerd/ttrpc refuses one that carries data. */
export const closeFlags = frameFlags.remoteClosed | frameFlags.noData;

/**
 * Berth's own addition, since ttrpc has no frame to cancel a stream: closed and open at once. To other servers it is
 * a plain close; Berth's aborts the handler, which else would take requests broken off for complete.
 */
export const cancelFlags = closeFlags | frameFlags.remoteOpen;

export interface FrameHeader {
  readonly length: number;
  readonly streamId: number;
  /** Other types than `frameTypes` may come from newer peers. */
  readonly type: number;
  readonly flags: number;
}

const headerSpace = new Uint8Array(frameHeaderBytes);

/** One buffer with header and payload, so that a frame is one write; throws `resource-exhausted` when oversize. */
export function encodeFrame(
  streamId: number,
  type: number,
  flags: number,
  writePayload: (writer: BinaryWriter) => void,
): Uint8Array {
  const writer = new BinaryWriter().raw(headerSpace);
  writePayload(writer);
  const frame = writer.finish();
  const length = frame.length - frameHeaderBytes;
  if (length > maxFrameBytes) throw oversizeError(length);
  const view = new DataView(frame.buffer, frame.byteOffset);
  view.setUint32(0, length);
  view.setUint32(4, streamId);
  frame[8] = type;
  frame[9] = flags;
  return frame;
}

export function readFrameHeader(bytes: Buffer, at: number): FrameHeader {
  return {
    length: bytes.readUInt32BE(at),
    streamId: bytes.readUInt32BE(at + 4),
    type: bytes.readUInt8(at + 8),
    flags: bytes.readUInt8(at + 9),
  };
}

/** The words are those of containerd/ttrpc. */
export function oversizeError(length: number): BerthError {
  return new BerthError(
    'resource-exhausted',
    `message length ${length} exceed maximum message size of ${maxFrameBytes}`,
  );
}
