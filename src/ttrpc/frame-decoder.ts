// Cuts a byte stream into frames, whatever pieces it arrives in. A frame that lies within one piece is not copied.
import { BerthError } from '../domain/errors.js';
import { type FrameHeader, frameHeaderBytes, frameTypes, readFrameHeader } from './frame.js';
import { maxFrameBytes } from './limits.js';

export interface FrameSink {
  frame(header: FrameHeader, payload: Uint8Array): void;
  /** A frame larger than allowed went by; its payload was dropped. */
  oversize(header: FrameHeader): void;
}

type HeaderState = { readonly at: 'header' };
type PayloadState = { readonly at: 'payload'; readonly header: FrameHeader; readonly payload: Buffer; filled: number };
type OversizeState = { readonly at: 'oversize'; readonly header: FrameHeader; left: number };

const atHeader: HeaderState = { at: 'header' };

export class FrameDecoder {
  readonly #sink: FrameSink;
  readonly #partialHeader = Buffer.alloc(frameHeaderBytes);
  #partialBytes = 0;
  #state: HeaderState | PayloadState | OversizeState = atHeader;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Throws `invalid-argument` when the bytes are no ttrpc; nothing after that can be understood. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
  }

  /** Takes what `chunk` has from `at` on for the present state; returns where it stopped. */
  #step(chunk: Buffer, at: number): number {
    const state = this.#state;
    if (state.at === 'header') return this.#readHeader(chunk, at);
    if (state.at === 'payload') return this.#readPayload(state, chunk, at);
    return this.#readPast(state, chunk, at);
  }

  #readHeader(chunk: Buffer, at: number): number {
    if (this.#partialBytes === 0 && chunk.length - at >= frameHeaderBytes) {
      return this.#begin(readFrameHeader(chunk, at), chunk, at + frameHeaderBytes);
    }
    const end = Math.min(chunk.length, at + frameHeaderBytes - this.#partialBytes);
    chunk.copy(this.#partialHeader, this.#partialBytes, at, end);
    this.#partialBytes += end - at;
    if (this.#partialBytes < frameHeaderBytes) return end;
    this.#partialBytes = 0;
    return this.#begin(readFrameHeader(this.#partialHeader, 0), chunk, end);
  }

  #begin(header: FrameHeader, chunk: Buffer, at: number): number {
    if (header.length > maxFrameBytes) {
      // containerd/ttrpc reads past any oversize frame. One of unknown type too is no frame: somebody speaks another
      // protocol, and would wait for an answer while gigabytes are read past.
      if (!isKnownType(header.type)) {
        throw new BerthError(
          'invalid-argument',
          `not a ttrpc frame: length ${header.length}, stream ${header.streamId}, type ${header.type}`,
        );
      }
      this.#state = { at: 'oversize', header, left: header.length };
      return at;
    }
    const end = at + header.length;
    if (end <= chunk.length) {
      this.#sink.frame(header, chunk.subarray(at, end));
      return end;
    }
    this.#state = { at: 'payload', header, payload: Buffer.allocUnsafeSlow(header.length), filled: 0 };
    return at;
  }

  #readPayload(state: PayloadState, chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + state.payload.length - state.filled);
    chunk.copy(state.payload, state.filled, at, end);
    state.filled += end - at;
    if (state.filled === state.payload.length) {
      this.#state = atHeader;
      this.#sink.frame(state.header, state.payload);
    }
    return end;
  }

  #readPast(state: OversizeState, chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + state.left);
    state.left -= end - at;
    if (state.left === 0) {
      this.#state = atHeader;
      this.#sink.oversize(state.header);
    }
    return end;
  }
}

function isKnownType(type: number): boolean {
  return type === frameTypes.request || type === frameTypes.response || type === frameTypes.data;
}
