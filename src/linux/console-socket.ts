// runc's console socket: it connects, sends the master of a new pseudo-terminal as SCM_RIGHTS and goes away. All calls
// here are non-blocking: by the time `runc create` or `runc exec` has returned, the master lies in the socket's queue.
import { closeSync, unlinkSync } from 'node:fs';
import { bindLibc, check, isSystemError, lastErrno, loadKoffi, systemError } from './libc.js';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2_000_000;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const EINVAL = 22;

/** sizeof sun_path. */
const maxPathBytes = 107;
/** cmsghdr (16) and one descriptor, rounded up. */
const controlBytes = 24;
const nameBytes = 4096;

const socket = bindLibc('int socket(int domain, int type, int protocol)');
const bind = bindLibc('int bind(int fd, const uint8_t *address, uint32_t length)');
const listen = bindLibc('int listen(int fd, int backlog)');
const accept4 = bindLibc('int accept4(int fd, void *address, void *length, int flags)');

let recvmsgBound: ((fd: number, header: object, flags: number) => number) | undefined;

export class ConsoleSocket {
  readonly #fd: number;
  #closed = false;

  /** Listens at `path`, which must not exist and may be relative, since a socket's path is short. */
  constructor(readonly path: string) {
    this.#fd = check('socket', socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    try {
      const address = unixAddress(path);
      check('bind', bind(this.#fd, address, address.length), path);
      check('listen', listen(this.#fd, 1), path);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** The pseudo-terminal's master; undefined when nobody has sent it yet. */
  receiveMaster(): number | undefined {
    const connection = accept4(this.#fd, null, null, SOCK_CLOEXEC | SOCK_NONBLOCK);
    try {
      check('accept4', connection, this.path);
    } catch (error) {
      if (isSystemError(error, 'EAGAIN')) return undefined;
      throw error;
    }
    try {
      return receiveDescriptor(connection);
    } finally {
      closeSync(connection);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
    try {
      unlinkSync(this.path);
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
    }
  }
}

function unixAddress(path: string): Uint8Array {
  const bytes = Buffer.from(path);
  if (bytes.length > maxPathBytes) throw systemError('bind', EINVAL, path);
  const address = Buffer.alloc(2 + bytes.length + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  bytes.copy(address, 2);
  return address;
}

function receiveDescriptor(connection: number): number | undefined {
  const control = Buffer.alloc(controlBytes);
  const name = Buffer.alloc(nameBytes);
  const header = {
    name: null,
    namelen: 0,
    iov: [{ base: name, length: name.length }],
    iovlen: 1,
    control,
    controllen: control.length,
    flags: 0,
  };
  const received = recvmsg()(connection, header, MSG_CMSG_CLOEXEC);
  if (received < 0) throw systemError('recvmsg', lastErrno());
  const length = Number(control.readBigUInt64LE(0));
  const isRights = control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS;
  return length >= 20 && isRights ? control.readInt32LE(16) : undefined;
}

function recvmsg(): (fd: number, header: object, flags: number) => number {
  if (recvmsgBound !== undefined) return recvmsgBound;
  const koffi = loadKoffi();
  const iovec = koffi.struct({ base: 'void *', length: 'size_t' });
  const msghdr = koffi.struct({
    name: 'void *',
    namelen: 'uint32_t',
    iov: koffi.pointer(iovec),
    iovlen: 'size_t',
    control: 'void *',
    controllen: 'size_t',
    flags: 'int',
  });
  const bound = koffi.load('libc.so.6').func('recvmsg', 'long', ['int', koffi.pointer(msghdr), 'int']);
  recvmsgBound = bound as (fd: number, header: object, flags: number) => number;
  return recvmsgBound;
}
