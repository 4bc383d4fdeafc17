// A WriteContentRequest decoded around its data, which stays where it arrived: the generated decoder would copy it.
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { WriteContentRequest } from '../generated/containerd/services/content/v1/content.js';

/** Tag of field 6, `data`: bytes. */
const dataTag = 50;
/** The low bits of a tag that tell how its value is encoded. */
const wireTypeMask = 7;

export function decodeWriteRequest(bytes: Buffer): WriteContentRequest {
  const reader = new BinaryReader(bytes);
  const rest: Buffer[] = [];
  let data: Uint8Array = Buffer.alloc(0);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    if (tag === dataTag) {
      data = reader.bytes();
    } else {
      reader.skip(tag & wireTypeMask);
      rest.push(bytes.subarray(start, reader.pos));
    }
  }
  const { buffer, byteOffset, byteLength } = data;
  return { ...WriteContentRequest.decode(Buffer.concat(rest)), data: Buffer.from(buffer, byteOffset, byteLength) };
}
