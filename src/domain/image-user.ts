// Whom a container runs as: `USER[:GROUP]`, by name or number, looked up in the image's own /etc/passwd and /etc/group.
import { BerthError } from './errors.js';

export interface ImageUser {
  readonly uid: number;
  readonly gid: number;
  /** Begins with the primary group, as containerd has it. */
  readonly additionalGids: readonly number[];
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The kernel's largest id; (uid_t)-1 means 'no change' to it. */
const maxId = 0xffff_fffe;

/**
 * Docker's rules: empty is root; a number need not be in the files, and its group is then 0; who is named with a group is
 * in no other. Throws `invalid-argument` for a name that is not there.
 */
export function resolveUser(text: string, files: { readonly passwd: string; readonly group: string }): ImageUser {
  const [userText = '', groupText, ...rest] = text.split(':');
  if (rest.length > 0) throw bad(text, 'it is not USER or USER:GROUP');
  const user = findUser(userText, parsePasswd(files.passwd), text);
  const groups = parseGroups(files.group);
  if (groupText !== undefined && groupText !== '') {
    const gid = findGroup(groupText, groups, text);
    return { uid: user.uid, gid, additionalGids: [gid] };
  }
  const others = groups.filter(({ members }) => user.name !== '' && members.includes(user.name)).map(({ gid }) => gid);
  return { uid: user.uid, gid: user.gid, additionalGids: [...new Set([user.gid, ...others])] };
}

function findUser(wanted: string, entries: readonly PasswdEntry[], text: string): PasswdEntry {
  const id = idFrom(wanted === '' ? '0' : wanted);
  const found = entries.find(({ name, uid }) => (wanted !== '' && name === wanted) || uid === id);
  if (found !== undefined) return found;
  if (id === undefined) throw bad(text, `the image has no user ${JSON.stringify(wanted)}`);
  return { name: '', uid: id, gid: 0 };
}

function findGroup(wanted: string, entries: readonly GroupEntry[], text: string): number {
  const id = idFrom(wanted);
  const found = entries.find(({ name, gid }) => name === wanted || gid === id);
  if (found !== undefined) return found.gid;
  if (id === undefined) throw bad(text, `the image has no group ${JSON.stringify(wanted)}`);
  return id;
}

/** Lines that are no entries are left out, as libc does. */
function parsePasswd(text: string): PasswdEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , uidText = '', gidText = ''] = line.trim().split(':');
    const [uid, gid] = [idFrom(uidText), idFrom(gidText)];
    return name === '' || uid === undefined || gid === undefined ? [] : [{ name, uid, gid }];
  });
}

function parseGroups(text: string): GroupEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , gidText = '', members = ''] = line.trim().split(':');
    const gid = idFrom(gidText);
    return name === '' || gid === undefined ? [] : [{ name, gid, members: members.split(',') }];
  });
}

function idFrom(text: string): number | undefined {
  return /^\d+$/.test(text) && Number(text) <= maxId ? Number(text) : undefined;
}

function bad(text: string, why: string): BerthError {
  return new BerthError('invalid-argument', `user ${JSON.stringify(text)}: ${why}`);
}
