// One datagram to a unix socket, which node:dgram cannot send.
import { closeSync } from 'node:fs';
import { bindLibc, check } from './libc.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2_000_000;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;

const socket = bindLibc('int socket(int domain, int type, int protocol)');
const sendto = bindLibc(
  'long sendto(int fd, const uint8_t *data, size_t size, int flags, const uint8_t *address, uint32_t length)',
);

/** `path` begins with '/', or with '@' for the abstract namespace. Throws what the system answers; never blocks. */
export function sendDatagram(path: string, text: string): void {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path);
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), name]);
  const content = Buffer.from(text);
  const fd = check('socket', socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    const flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    check('sendto', sendto(fd, content, content.length, flags, address, address.length), path);
  } finally {
    closeSync(fd);
  }
}
