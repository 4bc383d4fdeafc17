// containerd's rules for an image's record; `invalid-argument` names the field.
import { parseDigest } from '../../domain/digest.js';
import { BerthError } from '../../domain/errors.js';
import type { ImageRecord } from '../../domain/image-records.js';

/** Bytes of a name; containerd's limit is that of its database's keys, 32,768. */
const maxNameBytes = 4096;

export function checkImage({ name, target }: ImageRecord): void {
  checkRequired(name !== '', 'image name must not be empty');
  checkRequired(Buffer.byteLength(name) <= maxNameBytes, `image name has more than ${maxNameBytes} bytes`);
  parseDigest(target.digest);
  checkRequired(target.size > 0, `image ${name}: target.size must be greater than zero`);
  checkRequired(target.mediaType !== '', `image ${name}: target.mediaType must be set`);
}

function checkRequired(holds: boolean, message: string): void {
  if (!holds) throw new BerthError('invalid-argument', message);
}
