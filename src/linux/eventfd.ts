// Event counters of the kernel (eventfd), waited for without holding a thread.
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { bindLibc, check } from './libc.js';
import { openPipe } from './pipe.js';

const EFD_CLOEXEC = 0o2_000_000;
const EFD_NONBLOCK = 0o4000;
const O_CLOEXEC = EFD_CLOEXEC;
const counterBytes = 8;

const eventfd = bindLibc('int eventfd(unsigned int initial, int flags)');
const dup3 = bindLibc('int dup3(int from, int to, int flags)');

export interface EventFd {
  /** To register with the kernel; closed by `close`. */
  readonly fd: number;
  close(): void;
}

/**
 * A counter that calls `onSignal` whenever somebody has added to it; additions that come together are one call. Node
 * waits in epoll for sockets, terminals and pipes only, and a blocking read would hold one of libuv's threads and keep the
 * process from exiting. So libuv is given a pipe, and the counter takes the pipe's number before anything is read.
 */
export function openEventFd(onSignal: () => void): EventFd {
  const { read, write } = openPipe();
  closeSync(write);
  const counter = check('eventfd', eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const onread = {
    buffer: Buffer.alloc(counterBytes),
    callback: () => {
      onSignal();
      return true;
    },
  };
  // The types know of onread for connections only.
  const options = { fd: read, readable: true, writable: false, onread };
  const socket = new Socket(options);
  socket.on('error', () => socket.destroy());
  check('dup3', dup3(counter, read, O_CLOEXEC));
  closeSync(counter);
  // Whoever waits for it keeps the process alive by other means.
  socket.unref();
  return { fd: read, close: () => socket.destroy() };
}
