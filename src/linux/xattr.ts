// Extended attributes of a name in an open directory, of a symbolic link too. Linux has no such call for a directory's
// descriptor before 6.13, so it is reached through /proc.
import { type BytePath, cStringFromBytePath, textFromBytePath } from './byte-path.js';
import { bindLibc, check, isSystemError } from './libc.js';

/** XATTR_SIZE_MAX and XATTR_LIST_MAX of the kernel, in bytes. */
const maxXattrBytes = 65_536;

const lsetxattr = bindLibc(
  'int lsetxattr(const uint8_t *path, const uint8_t *name, const uint8_t *value, size_t size, int flags)',
);
const fsetxattr = bindLibc('int fsetxattr(int fd, const uint8_t *name, const uint8_t *value, size_t size, int flags)');
const lgetxattr = bindLibc(
  'long lgetxattr(const uint8_t *path, const uint8_t *name, _Out_ uint8_t *value, size_t size)',
);
const llistxattr = bindLibc('long llistxattr(const uint8_t *path, _Out_ uint8_t *list, size_t size)');

const buffer = Buffer.alloc(maxXattrBytes);

/** An empty `name` means the directory itself. */
export function setXattrAt(directory: number, name: BytePath, attribute: BytePath, value: Uint8Array): void {
  const path = pathOf(directory, name);
  const result = lsetxattr(path, cStringFromBytePath(attribute), pointerTo(value), value.length, 0);
  check('lsetxattr', result, `${textFromBytePath(attribute)} of ${textFromBytePath(name)}`);
}

/** Of an open file. */
export function setXattr(fd: number, attribute: BytePath, value: Uint8Array): void {
  const result = fsetxattr(fd, cStringFromBytePath(attribute), pointerTo(value), value.length, 0);
  check('fsetxattr', result, textFromBytePath(attribute));
}

/** Undefined where the file has no such attribute, or the file system none at all. */
export function getXattrAt(directory: number, name: BytePath, attribute: BytePath): Buffer | undefined {
  const subject = `${textFromBytePath(attribute)} of ${textFromBytePath(name)}`;
  return unlessMissing(() => {
    const size = lgetxattr(pathOf(directory, name), cStringFromBytePath(attribute), buffer, buffer.length);
    return Buffer.from(buffer.subarray(0, check('lgetxattr', size, subject)));
  });
}

export function listXattrsAt(directory: number, name: BytePath): BytePath[] {
  const list = unlessMissing(() => {
    const size = llistxattr(pathOf(directory, name), buffer, buffer.length);
    return buffer.toString('latin1', 0, check('llistxattr', size, textFromBytePath(name)));
  });
  return (list ?? '').split('\0').filter((attribute) => attribute !== '');
}

function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isSystemError(error, 'ENODATA', 'EOPNOTSUPP', 'ENOTSUP')) return undefined;
    throw error;
  }
}

/** An empty buffer has no address. */
function pointerTo(value: Uint8Array): Uint8Array {
  return value.length === 0 ? Buffer.alloc(1) : value;
}

function pathOf(directory: number, name: BytePath): Buffer {
  return cStringFromBytePath(name === '' ? `/proc/self/fd/${directory}/.` : `/proc/self/fd/${directory}/${name}`);
}
