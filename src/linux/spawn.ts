// Starts a program by libc's posix_spawn: it borrows our memory until it runs its program, where fork, which is what
// node:child_process does, would copy the tables of all of it and leave every page of ours to be copied again.
import { constants } from 'node:os';
import { bindLibc, systemError } from './libc.js';

/** More than glibc's and musl's structures take. */
const attributesBytes = 1024;
const actionsBytes = 512;
const signalSetBytes = 128;

const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;

const posixSpawnp = bindLibc(
  'int posix_spawnp(_Out_ int *pid, const char *file, uint8_t *actions, uint8_t *attributes, const char **argv, const char **env)',
);
const attributesInit = bindLibc('int posix_spawnattr_init(uint8_t *attributes)');
const setFlags = bindLibc('int posix_spawnattr_setflags(uint8_t *attributes, short flags)');
const setDefaultSignals = bindLibc('int posix_spawnattr_setsigdefault(uint8_t *attributes, const uint8_t *signals)');
const setSignalMask = bindLibc('int posix_spawnattr_setsigmask(uint8_t *attributes, const uint8_t *signals)');
const actionsInit = bindLibc('int posix_spawn_file_actions_init(uint8_t *actions)');
const actionsDestroy = bindLibc('int posix_spawn_file_actions_destroy(uint8_t *actions)');
const addDuplicate = bindLibc('int posix_spawn_file_actions_adddup2(uint8_t *actions, int fd, int as)');
const addDirectory = bindLibc('int posix_spawn_file_actions_addchdir_np(uint8_t *actions, const char *path)');

export interface ProgramStart {
  /** A path, or a name on our own PATH. */
  readonly file: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Its descriptors from 0, stdin, on; it inherits no other. */
  readonly stdio: readonly number[];
}

/** Returns its pid once it runs; the caller waits for it. Throws as spawn does where it cannot be run. */
export function spawnProgram({ file, args, directory, environment, stdio }: ProgramStart): number {
  const actions = new Uint8Array(actionsBytes);
  succeed('posix_spawn_file_actions_init', actionsInit(actions));
  try {
    succeed('addchdir', addDirectory(actions, directory));
    // A descriptor duplicated to itself stays open in the child.
    for (const [as, fd] of unclobbered(stdio)) succeed('adddup2', addDuplicate(actions, fd, as));
    const pid = [0];
    const env = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const result = posixSpawnp(pid, file, actions, defaultSignals(), [file, ...args, null], [...env, null]);
    if (result !== 0) throw systemError('spawn', result, file);
    return pid[0] ?? 0;
  } finally {
    actionsDestroy(actions);
  }
}

/** In an order in which no descriptor is overwritten before it is duplicated: ours are above its own, or in their place. */
function unclobbered(stdio: ProgramStart['stdio']): [number, number][] {
  const pairs = [...stdio.entries()];
  if (pairs.some(([as, fd]) => fd < pairs.length && fd !== as)) {
    throw new RangeError(`descriptors below ${pairs.length} must be in their own places`);
  }
  return pairs;
}

/** Every signal unblocked and with its default: Node ignores SIGPIPE, and catches others. */
function defaultSignals(): Uint8Array {
  const attributes = new Uint8Array(attributesBytes);
  succeed('posix_spawnattr_init', attributesInit(attributes));
  succeed('setflags', setFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
  succeed('setsigdefault', setDefaultSignals(attributes, catchable()));
  succeed('setsigmask', setSignalMask(attributes, new Uint8Array(signalSetBytes)));
  return attributes;
}

/** One bit a signal from 1 on. */
function catchable(): Uint8Array {
  const set = new Uint8Array(signalSetBytes);
  for (const signal of Object.values(constants.signals)) {
    const bit = signal - 1;
    set[bit >> 3] = (set[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return set;
}

/** These functions return what others put into errno. */
function succeed(call: string, result: number): void {
  if (result !== 0) throw systemError(call, result);
}
