// ttrpc's two envelopes and google.rpc.Status, by hand: so a message is encoded straight into its frame.
// Request: service 1, method 2, payload 3, timeout_nano 4, metadata 5. Response: status 1, payload 2.
import { BinaryReader, type BinaryWriter } from '@bufbuild/protobuf/wire';
import { BerthError, statusCodes } from '../domain/errors.js';
import type { CallOptions, MessageType, Metadata } from './definition.js';
import { encodeFrame, frameTypes } from './frame.js';
import { maxMetadataBytes, maxStatusMessageChars } from './limits.js';

export interface Request {
  readonly service: string;
  readonly method: string;
  readonly payload: Uint8Array;
  /** 0 is none; a peer whose deadline has passed sends a negative one. */
  readonly timeoutNanos: bigint;
  readonly metadata: Metadata;
}

export interface Response {
  /** Absent where the call succeeded. */
  readonly status: { readonly code: number; readonly message: string } | undefined;
  readonly payload: Uint8Array;
}

export type WriteMessage = (writer: BinaryWriter) => unknown;

const noBytes: Uint8Array = new Uint8Array(0);

export function encodeRequest(
  streamId: number,
  flags: number,
  request: Omit<Request, 'payload'>,
  message: WriteMessage | undefined,
): Uint8Array {
  return encodeFrame(streamId, frameTypes.request, flags, (writer) => {
    writer.uint32(10).string(request.service).uint32(18).string(request.method);
    if (request.timeoutNanos !== 0n) writer.uint32(32).int64(request.timeoutNanos);
    for (const [key, values] of request.metadata) {
      for (const value of values) writer.uint32(42).fork().uint32(10).string(key).uint32(18).string(value).join();
    }
    if (message !== undefined) writeEmbedded(writer, 26, message);
  });
}

export function encodeResponse(streamId: number, message: WriteMessage): Uint8Array {
  return encodeFrame(streamId, frameTypes.response, 0, (writer) => writeEmbedded(writer, 18, message));
}

export function encodeFailure(streamId: number, error: BerthError): Uint8Array {
  return encodeFrame(streamId, frameTypes.response, 0, (writer) => {
    const message = error.message.slice(0, maxStatusMessageChars);
    writer.uint32(10).fork().uint32(8).int32(statusCodes[error.kind]).uint32(18).string(message).join();
  });
}

export function encodeData(streamId: number, flags: number, message?: WriteMessage): Uint8Array {
  return encodeFrame(streamId, frameTypes.data, flags, (writer) => message?.(writer));
}

/** Throws an Error when malformed, `resource-exhausted` when the metadata are too large. */
export function decodeRequest(bytes: Uint8Array): Request {
  const request = { service: '', method: '', payload: noBytes, timeoutNanos: 0n };
  const metadata = new Map<string, string[]>();
  let metadataBytes = 0;
  readFields(bytes, (tag, reader) => {
    if (tag === 10) request.service = reader.string();
    else if (tag === 18) request.method = reader.string();
    else if (tag === 26) request.payload = reader.bytes();
    else if (tag === 32) request.timeoutNanos = BigInt(reader.int64());
    else if (tag === 42) {
      const entry = reader.bytes();
      metadataBytes += entry.length;
      if (metadataBytes > maxMetadataBytes) throw metadataError();
      addMetadata(metadata, entry);
    } else return false;
    return true;
  });
  return { ...request, metadata };
}

export function decodeResponse(bytes: Uint8Array): Response {
  let payload = noBytes;
  let status: Response['status'];
  readFields(bytes, (tag, reader) => {
    if (tag === 10) status = decodeStatus(reader.bytes());
    else if (tag === 18) payload = reader.bytes();
    else return false;
    return true;
  });
  return { status, payload };
}

/** Decodes a whole payload; ts-proto alone would take bytes that break off at a zero tag for an empty message. */
export function decodeMessage<T>(type: MessageType<T>, payload: Uint8Array): T {
  const reader = new BinaryReader(payload);
  const message = type.decode(reader);
  if (reader.pos !== reader.len) throw new Error(`illegal tag at byte ${reader.pos} of ${reader.len}`);
  return message;
}

/** Throws `resource-exhausted` when too large. */
export function metadataFrom(given: CallOptions['metadata'] = {}): Metadata {
  const metadata = new Map<string, readonly string[]>();
  let bytes = 0;
  for (const [key, value] of Object.entries(given)) {
    const values = typeof value === 'string' ? [value] : value;
    for (const each of values) bytes += Buffer.byteLength(key) + Buffer.byteLength(each);
    metadata.set(key.toLowerCase(), values);
  }
  if (bytes > maxMetadataBytes) throw metadataError();
  return metadata;
}

function metadataError(): BerthError {
  return new BerthError('resource-exhausted', `metadata exceed ${maxMetadataBytes} bytes`);
}

function decodeStatus(bytes: Uint8Array): NonNullable<Response['status']> {
  const status = { code: 0, message: '' };
  readFields(bytes, (tag, reader) => {
    if (tag === 8) status.code = reader.int32();
    else if (tag === 18) status.message = reader.string();
    else return false;
    return true;
  });
  return status;
}

function addMetadata(metadata: Map<string, string[]>, entry: Uint8Array): void {
  let key = '';
  let value = '';
  readFields(entry, (tag, reader) => {
    if (tag === 10) key = reader.string().toLowerCase();
    else if (tag === 18) value = reader.string();
    else return false;
    return true;
  });
  const values = metadata.get(key);
  if (values === undefined) metadata.set(key, [value]);
  else values.push(value);
}

function writeEmbedded(writer: BinaryWriter, tag: number, message: WriteMessage): void {
  writer.uint32(tag).fork();
  message(writer);
  writer.join();
}

/** Calls `take` per field; what it leaves is skipped. */
function readFields(bytes: Uint8Array, take: (tag: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (!take((field << 3) | wireType, reader)) reader.skip(wireType, field);
  }
}
