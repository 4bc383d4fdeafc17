// What runc writes down of a container: ROOT/ID/state.json, read as far as it takes to start and to delete the container
// without running runc. Whatever is not exactly as expected reads as undefined, and is then left to the runtime.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface RuncState {
  readonly directory: string;
  readonly initPid: number;
  /** Its group in every hierarchy. */
  readonly cgroupPaths: readonly string[];
  /** Deleting it takes no more than removing its groups and its state: no hooks, no systemd, no cache allocation. */
  readonly isPlain: boolean;
}

/** Other runtimes keep other files; one that wraps runc under another name may do more than runc does. */
export function isRunc(binary: string): boolean {
  return basename(binary) === 'runc';
}

export function readRuncState(root: string, id: string): RuncState | undefined {
  const directory = join(root, id);
  try {
    return stateFrom(JSON.parse(readFileSync(join(directory, 'state.json'), 'utf8')), id, directory);
  } catch {
    return undefined;
  }
}

/** Pure part of `readRuncState`. */
export function stateFrom(state: unknown, id: string, directory: string): RuncState | undefined {
  if (!isObject(state) || state['id'] !== id) return undefined;
  const { init_process_pid: initPid, cgroup_paths: paths, config } = state;
  if (typeof initPid !== 'number' || !(initPid > 0) || !isObject(paths) || !isObject(config)) return undefined;
  const cgroupPaths = Object.values(paths).filter((path) => typeof path === 'string' && path.startsWith('/'));
  if (cgroupPaths.length !== Object.keys(paths).length) return undefined;
  return { directory, initPid, cgroupPaths: cgroupPaths as string[], isPlain: isPlain(state, config) };
}

type Fields = Readonly<Record<string, unknown>>;

function isPlain(state: Fields, config: Fields): boolean {
  const { cgroups, Hooks: hooks } = config;
  if (!isObject(cgroups) || cgroups['systemd'] === true) return false;
  if ((state['intel_rdt_path'] ?? '') !== '' || (config['intelRdt'] ?? null) !== null) return false;
  if (state['rootless'] !== false) return false;
  return hooks === null || (isObject(hooks) && isEmpty(hooks['poststop']));
}

function isEmpty(list: unknown): boolean {
  return list === null || (Array.isArray(list) && list.length === 0);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
