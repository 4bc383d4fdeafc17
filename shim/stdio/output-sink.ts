// What a stream's bytes are poured into.

export interface OpenFifo {
  readonly fd: number;
  hasReader(): boolean;
}

export interface OutputSink {
  /** Bytes that nobody took and that are gone. */
  readonly droppedBytes: number;
  /** The FIFO into which bytes may go within the kernel now, ahead of none that the sink still holds. */
  readonly fifo?: OpenFifo | undefined;
  /** The regular file to which the bytes are appended. */
  readonly file?: number | undefined;
  /**
   * Takes the chunk in any case. True: done with it, its memory may be used again. False: wait for `onReady` before
   * that, and before the next one.
   */
  write(chunk: Buffer): boolean;
  /** Called when a sink that asked to wait takes more. */
  onReady: () => void;
  /** Resolves once somebody is there to take the bytes, or has not come in good time. */
  readerCame(): Promise<void>;
  /** The source has ended. Resolves once every byte is where it belongs, or nobody is there to take it. */
  finish(): Promise<void>;
  /** Lets everything go at once. */
  close(): void;
}
