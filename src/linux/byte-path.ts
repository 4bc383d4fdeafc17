// File names as the kernel has them: bytes. A BytePath holds one byte per character ('latin1'), so that a name in no
// encoding that we know survives a round trip.

export type BytePath = string;

/** What node:fs takes for it. */
export function bufferFromBytePath(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** What C takes for it: closed by a zero byte. */
export function cStringFromBytePath(path: BytePath): Buffer {
  return Buffer.from(`${path}\0`, 'latin1');
}

export function bytePathFromText(text: string): BytePath {
  return isAscii(text) ? text : Buffer.from(text).toString('latin1');
}

/** For people: what is not UTF-8 becomes U+FFFD. */
export function textFromBytePath(path: BytePath): string {
  return isAscii(path) ? path : bufferFromBytePath(path).toString();
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
