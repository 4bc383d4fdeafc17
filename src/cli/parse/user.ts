// --user UID[:GID]. Names need the image's passwd file, which `berth` does not read.
import { UsageError } from '../cli-error.js';

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** The kernel's largest id; (uid_t)-1 means 'no change' to it. */
const maxId = 0xffff_fffe;

/** The group is 0 where none is given. */
export function parseUser(text: string): UserIds {
  const match = /^(\d+)(?::(\d+))?$/.exec(text);
  const [uid, gid] = [Number(match?.[1]), Number(match?.[2] ?? 0)];
  if (match === null || uid > maxId || gid > maxId) {
    throw new UsageError(`user ${JSON.stringify(text)} is not UID or UID:GID in numbers`);
  }
  return { uid, gid };
}
