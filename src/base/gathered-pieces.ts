// Small chunks of a stream put together into larger pieces.

/**
 * Each piece has memory of its own, of `pieceBytes`, and is full but for the last. Where the stream fails, what came before
 * comes first, and then the failure.
 */
export async function* gatheredPieces(
  chunks: AsyncIterable<Uint8Array>,
  pieceBytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  let piece = Buffer.allocUnsafeSlow(pieceBytes);
  let filled = 0;
  let failure: unknown;
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        const part = chunk.subarray(at, at + pieceBytes - filled);
        piece.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < pieceBytes) continue;
        yield piece;
        piece = Buffer.allocUnsafeSlow(pieceBytes);
        filled = 0;
      }
    }
  } catch (error) {
    failure = error;
  }
  if (filled > 0) yield piece.subarray(0, filled);
  if (failure !== undefined) throw failure;
}
