// What the host holds that belongs to one test daemon: processes, mounts, cgroups and sockets, found by the unique
// temporary directory and namespace that each carries in its name.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface TestScope {
  readonly directory: string;
  readonly namespace: string;
}

export interface HostProcess {
  readonly pid: number;
  readonly command: string;
}

/** Processes that name the directory (command line, environment, working directory) or sit in the namespace's cgroups. */
export function findProcesses(scope: TestScope): HostProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => belongsTo(join('/proc', name), scope))
    .map((name) => ({ pid: Number(name), command: read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim() }))
    .filter((found) => !hasEnded(found.pid));
}

export function findMounts(scope: TestScope): string[] {
  return read('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${scope.directory}/`));
}

/** Cgroups below the namespace's, deepest first; the namespace's own stays when runc removes a container's. */
export function findCgroups(scope: TestScope): string[] {
  return namespaceCgroups(scope).flatMap(descendants);
}

/** The cgroups of the namespace itself, and of those that a test names after it, in each hierarchy. */
export function namespaceCgroups(scope: TestScope): string[] {
  const root = '/sys/fs/cgroup';
  const hierarchies = [root, ...list(root).map((name) => join(root, name))];
  return hierarchies.flatMap((hierarchy) =>
    list(hierarchy)
      .filter((name) => name === scope.namespace || name.startsWith(`${scope.namespace}-`))
      .map((name) => join(hierarchy, name)),
  );
}

export function findSockets(scope: TestScope): string[] {
  const paths = read('/proc/net/unix')
    .split('\n')
    .map((line) => line.split(/\s+/)[7] ?? '')
    .filter((path) => path.includes(scope.directory));
  return [...new Set(paths)];
}

function belongsTo(process: string, scope: TestScope): boolean {
  if (['cmdline', 'environ'].some((file) => read(join(process, file)).includes(scope.directory))) return true;
  if (link(join(process, 'cwd')).startsWith(scope.directory)) return true;
  return new RegExp(`/${scope.namespace}[-/]`).test(read(join(process, 'cgroup')));
}

/** Gone, or a zombie: that one is its parent's to reap, which may be an init that does not. */
export function hasEnded(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat === '' || /\) [ZX] /.test(stat);
}

function descendants(path: string): string[] {
  return list(path).flatMap((name) => [...descendants(join(path, name)), join(path, name)]);
}

/** The directories in `path`; none where it is gone. */
function list(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
