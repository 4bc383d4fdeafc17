// What a job on a worker thread may use while it runs.

export interface DiskJobContext {
  /** Throws `cancelled` once nobody wants the result any more. To be called now and then. */
  checkCancelled(): void;
  /** Hands a piece of output over; resolves when the next one may come. */
  emit(piece: Uint8Array): Promise<void>;
}
