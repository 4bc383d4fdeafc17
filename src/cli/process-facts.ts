// What /proc of this host tells about a process, as ps shows it.
import { readFile, stat } from 'node:fs/promises';

export interface ProcessFacts {
  readonly ppid: number;
  /** The name, where this host has one for the id. */
  readonly user: string;
  readonly cpuSeconds: number;
  /** One letter: R, S, D, Z, T, ... */
  readonly state: string;
  readonly command: string;
}

/** USER_HZ, which is 100 on every machine that Node runs on. */
const ticksPerSecond = 100;

/** undefined where there is no such process any more. */
export async function readProcessFacts(
  pid: number,
  users: ReadonlyMap<number, string>,
): Promise<ProcessFacts | undefined> {
  try {
    const [text, status, line] = await Promise.all(
      ['stat', 'status', 'cmdline'].map(async (name) => await readFile(`/proc/${pid}/${name}`, 'utf8')),
    );
    return factsFrom(text ?? '', status ?? '', line ?? '', users);
  } catch {
    return undefined;
  }
}

/** `text`, `status` and `line` are of /proc/PID/stat, status and cmdline. */
export function factsFrom(
  text: string,
  status: string,
  line: string,
  users: ReadonlyMap<number, string>,
): ProcessFacts | undefined {
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, ppid] = fields;
  const [user, system] = [fields[11], fields[12]];
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1];
  if (state === undefined || ppid === undefined || user === undefined || system === undefined) return undefined;
  return {
    ppid: Number(ppid),
    user: users.get(Number(uid)) ?? uid ?? '',
    cpuSeconds: (Number(user) + Number(system)) / ticksPerSecond,
    state,
    // As ps: a kernel thread or a zombie has no command line.
    command: line === '' ? `[${name}]` : line.replace(/\0$/, '').replaceAll('\0', ' '),
  };
}

export async function readUsers(): Promise<Map<number, string>> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const entries = text.split('\n').map((line) => line.split(':'));
  return new Map(entries.filter((fields) => fields.length > 2).map(([name = '', , uid]) => [Number(uid), name]));
}

/** Whether pids that a daemon in the pid namespace `inode` tells are those of our /proc; 0 where it does not tell. */
export async function isOurPidNamespace(inode: bigint): Promise<boolean> {
  if (inode === 0n) return true;
  return (await stat('/proc/self/ns/pid', { bigint: true })).ino === inode;
}
