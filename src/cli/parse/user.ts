// --user UID[:GID], for a root filesystem that is a directory: names are looked up in images alone, by the daemon.
import { UsageError } from '../cli-error.js';

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids?: readonly number[];
}

/** The kernel's largest id; (uid_t)-1 means 'no change' to it. */
const maxId = 0xffff_fffe;

/** The group is 0 where none is given. */
export function parseUser(text: string): UserIds {
  const match = /^(\d+)(?::(\d+))?$/.exec(text);
  const [uid, gid] = [Number(match?.[1]), Number(match?.[2] ?? 0)];
  if (match === null || uid > maxId || gid > maxId) {
    throw new UsageError(`user ${JSON.stringify(text)} is not UID or UID:GID in numbers: names need an image`);
  }
  return { uid, gid };
}
