// Who is at the other end of a unix socket, as the kernel noted it when the connection was made.
import { bindLibc, check } from './libc.js';

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid_t pid, uid_t uid, gid_t gid. */
const ucredBytes = 12;

const getsockopt = bindLibc(
  'int getsockopt(int fd, int level, int name, _Inout_ uint8_t *value, _Inout_ uint32_t *length)',
);

export function peerCredentials(fd: number): PeerCredentials {
  const value = Buffer.alloc(ucredBytes);
  check('getsockopt', getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, [ucredBytes]));
  return { pid: value.readInt32LE(0), uid: value.readUInt32LE(4), gid: value.readUInt32LE(8) };
}
