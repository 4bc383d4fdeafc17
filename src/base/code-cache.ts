// V8's code cache of a program, in a file beside it. V8 itself takes one that is damaged, or of other source of the same
// length, and crashes or runs the wrong program: the seal is there to refuse those.
import { readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

const sealBytes = 4;

/** Undefined where there is none, or none of this source and this Node. */
export function readCodeCache(path: string, source: Uint8Array): Buffer | undefined {
  const file = readIfThere(path);
  if (file === undefined || file.length <= sealBytes) return undefined;
  const code = file.subarray(sealBytes);
  return file.readUInt32LE() === sealOf(source, code) ? code : undefined;
}

export function writeCodeCache(path: string, source: Uint8Array, code: Uint8Array): void {
  const seal = Buffer.alloc(sealBytes);
  seal.writeUInt32LE(sealOf(source, code));
  writeFileSync(path, Buffer.concat([seal, code]));
}

function sealOf(source: Uint8Array, code: Uint8Array): number {
  return crc32(code, crc32(source, crc32(`${process.version} ${process.arch}`)));
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    // Without it the program starts more slowly, and that is all.
    return undefined;
  }
}
