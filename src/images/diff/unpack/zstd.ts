// zstd, which Node 20 has not: Facebook's own decoder as WebAssembly, which takes windows of up to 128 MB.
import { ZSTDDecoder } from 'zstddec/stream';

export async function* decompressZstd(chunks: Iterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  const input = new WatchedInput(chunks);
  let outputsWithoutContent = 0;
  for (const output of decoder.decodeStreaming(input)) {
    if (output.length > 0) yield Buffer.from(output.buffer, output.byteOffset, output.byteLength);
    outputsWithoutContent = output.length > 0 ? 0 : outputsWithoutContent + 1;
    // The decoder tells no error: it makes no progress, for ever. A step that is none of those eats a byte at least.
    if (outputsWithoutContent > input.lastChunkBytes) throw new Error('broken zstd stream');
  }
}

class WatchedInput implements Iterable<Buffer> {
  readonly #chunks: Iterable<Buffer>;
  lastChunkBytes = 0;

  constructor(chunks: Iterable<Buffer>) {
    this.#chunks = chunks;
  }

  *[Symbol.iterator](): Generator<Buffer, void, undefined> {
    for (const chunk of this.#chunks) {
      this.lastChunkBytes = chunk.length;
      yield chunk;
    }
  }
}
