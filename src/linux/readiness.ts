// Being told by Node's event loop that a pipe can be read or written, without its being done: libuv's uv_poll, which the node binary
// exports and Node itself does not offer.
import { loadKoffi, systemError } from './libc.js';

/** An address. */
type Handle = bigint;

interface LoopCalls {
  readonly loop: bigint;
  readonly handleBytes: number;
  readonly allocate: (bytes: number) => Handle;
  readonly free: (handle: Handle) => void;
  readonly init: (loop: bigint, handle: Handle, fd: number) => number;
  readonly start: (handle: Handle, which: number, callback: bigint) => number;
  readonly stop: (handle: Handle) => number;
  readonly close: (handle: Handle, callback: null) => void;
  readonly callback: bigint;
}

/** Of libuv's uv_handle_type. */
const UV_POLL = 8;
const events = { readable: 1, writable: 2 } as const;

/** By their handles, which is all that libuv tells. */
const listeners = new Map<Handle, () => void>();
let calls: LoopCalls | undefined;

export class Readiness {
  readonly #handle: Handle;
  readonly #events: number;
  #started = false;
  #closed = false;

  /** `onReady` is called again and again between `start` and `stop`, while there is something to read or room to write. */
  constructor(fd: number, event: keyof typeof events, onReady: () => void) {
    const { allocate, handleBytes, init, loop, free } = bindReadiness();
    this.#handle = allocate(handleBytes);
    const result = init(loop, this.#handle, fd);
    if (result < 0) {
      free(this.#handle);
      throw systemError('uv_poll_init', -result);
    }
    listeners.set(this.#handle, onReady);
    this.#events = events[event];
  }

  start(): void {
    if (this.#started || this.#closed) return;
    this.#started = true;
    const { start, callback } = bindReadiness();
    start(this.#handle, this.#events, callback);
  }

  stop(): void {
    if (!this.#started || this.#closed) return;
    this.#started = false;
    bindReadiness().stop(this.#handle);
  }

  /** The descriptor is the caller's, who may close it from now on. */
  close(): void {
    if (this.#closed) return;
    this.stop();
    this.#closed = true;
    listeners.delete(this.#handle);
    const { close, free } = bindReadiness();
    close(this.#handle, null);
    // libuv lets go of it at the end of this turn of its loop.
    setImmediate(() => setImmediate(() => free(this.#handle)));
  }
}

/** Takes a moment the first time, in the rehearsal of the zygote for all its children. */
function bindReadiness(): LoopCalls {
  if (calls !== undefined) return calls;
  const koffi = loadKoffi();
  const node = koffi.load(null);
  const libc = koffi.load('libc.so.6');
  const type = koffi.proto('void BerthReady(void *handle, int status, int events)');
  const callback = koffi.register((handle: Handle) => listeners.get(handle)?.(), koffi.pointer(type));
  const sizeOf = node.func('size_t uv_handle_size(int type)') as (type: number) => number;
  calls = {
    loop: (node.func('void *uv_default_loop()') as () => bigint)(),
    handleBytes: sizeOf(UV_POLL),
    allocate: libc.func('void *malloc(size_t bytes)') as LoopCalls['allocate'],
    free: libc.func('void free(void *memory)') as LoopCalls['free'],
    init: node.func('int uv_poll_init(void *loop, void *handle, int fd)') as LoopCalls['init'],
    start: node.func('int uv_poll_start(void *handle, int events, BerthReady *callback)') as LoopCalls['start'],
    stop: node.func('int uv_poll_stop(void *handle)') as LoopCalls['stop'],
    close: node.func('void uv_close(void *handle, void *callback)') as LoopCalls['close'],
    callback,
  };
  return calls;
}
