// The window size of a pseudo-terminal.
import { bindLibc, check } from './libc.js';

export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;

const ioctl = bindLibc('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *size)');

/** Sets the size through either end; the kernel sends SIGWINCH to the foreground processes. */
export function setWindowSize(fd: number, size: WindowSize): void {
  const winsize = Buffer.alloc(8);
  winsize.writeUInt16LE(size.rows, 0);
  winsize.writeUInt16LE(size.columns, 2);
  check('ioctl TIOCSWINSZ', ioctl(fd, TIOCSWINSZ, winsize));
}

export function windowSize(fd: number): WindowSize {
  const winsize = Buffer.alloc(8);
  check('ioctl TIOCGWINSZ', ioctl(fd, TIOCGWINSZ, winsize));
  return { rows: winsize.readUInt16LE(0), columns: winsize.readUInt16LE(2) };
}
