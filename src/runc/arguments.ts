// The OCI runtime's command line: options to argv. Pure.

/** Settings that every call shares. */
export interface GlobalOptions {
  /** --root: the directory of the runtime's state files. */
  readonly root: string;
  readonly systemdCgroup: boolean;
}

export interface CreateOptions {
  readonly bundle: string;
  readonly pidFile: string;
  readonly consoleSocket?: string;
  readonly noPivotRoot: boolean;
  readonly noNewKeyring: boolean;
}

export interface ExecOptions {
  /** A file with the OCI process as JSON. */
  readonly processFile: string;
  readonly pidFile: string;
  readonly consoleSocket?: string;
}

export interface CheckpointOptions {
  /** All paths are absolute: the runtime resolves them in several working directories. */
  readonly imagePath: string;
  readonly workPath: string;
  readonly leaveRunning: boolean;
  readonly openTcp: boolean;
  readonly externalUnixSockets: boolean;
  readonly terminal: boolean;
  readonly fileLocks: boolean;
  readonly emptyNamespaces: readonly string[];
  /** soft, full or strict; empty for the runtime's own choice. */
  readonly cgroupsMode: string;
  /** Only the memory, which a later checkpoint builds on. */
  readonly preDump: boolean;
  /** The checkpoint to build on, relative to `imagePath`; empty without one. */
  readonly parentPath: string;
}

export interface RestoreOptions {
  readonly bundle: string;
  readonly imagePath: string;
  readonly workPath: string;
  readonly pidFile: string;
  readonly consoleSocket?: string;
  /** CRIU then wants a terminal as its own stdin or none at all, and no pipe. */
  readonly terminal: boolean;
  readonly noPivotRoot: boolean;
  readonly emptyNamespaces: readonly string[];
  readonly cgroupsMode: string;
}

export function globalArguments(options: GlobalOptions, logFile: string): string[] {
  const systemd = options.systemdCgroup ? ['--systemd-cgroup'] : [];
  return ['--root', options.root, '--log', logFile, '--log-format', 'json', ...systemd];
}

export function createArguments(id: string, options: CreateOptions): string[] {
  return [
    'create',
    '--bundle',
    options.bundle,
    '--pid-file',
    options.pidFile,
    ...consoleArguments(options.consoleSocket),
    ...(options.noPivotRoot ? ['--no-pivot'] : []),
    ...(options.noNewKeyring ? ['--no-new-keyring'] : []),
    id,
  ];
}

export function startArguments(id: string): string[] {
  return ['start', id];
}

export function execArguments(id: string, options: ExecOptions): string[] {
  return [
    'exec',
    '--process',
    options.processFile,
    '--pid-file',
    options.pidFile,
    ...consoleArguments(options.consoleSocket),
    '--detach',
    id,
  ];
}

export function stateArguments(id: string): string[] {
  return ['state', id];
}

export function killArguments(id: string, signal: number, all: boolean): string[] {
  return ['kill', ...(all ? ['--all'] : []), id, String(signal)];
}

export function deleteArguments(id: string, force: boolean): string[] {
  return ['delete', ...(force ? ['--force'] : []), id];
}

export function pauseArguments(id: string): string[] {
  return ['pause', id];
}

export function resumeArguments(id: string): string[] {
  return ['resume', id];
}

/** `resourcesFile` holds the OCI resources as JSON. */
export function updateArguments(id: string, resourcesFile: string): string[] {
  return ['update', '--resources', resourcesFile, id];
}

export function checkpointArguments(id: string, options: CheckpointOptions): string[] {
  return [
    'checkpoint',
    '--image-path',
    options.imagePath,
    '--work-path',
    options.workPath,
    ...(options.leaveRunning ? ['--leave-running'] : []),
    ...(options.openTcp ? ['--tcp-established'] : []),
    ...(options.externalUnixSockets ? ['--ext-unix-sk'] : []),
    ...(options.terminal ? ['--shell-job'] : []),
    ...(options.fileLocks ? ['--file-locks'] : []),
    ...namespaceArguments(options),
    ...(options.preDump ? ['--pre-dump'] : []),
    ...(options.parentPath === '' ? [] : ['--parent-path', options.parentPath]),
    id,
  ];
}

/** What a checkpoint holds was allowed when it was made, so a restore allows all of it. */
export function restoreArguments(id: string, options: RestoreOptions): string[] {
  return [
    'restore',
    '--detach',
    '--no-subreaper',
    '--bundle',
    options.bundle,
    '--image-path',
    options.imagePath,
    '--work-path',
    options.workPath,
    '--pid-file',
    options.pidFile,
    '--tcp-established',
    '--ext-unix-sk',
    '--file-locks',
    ...(options.terminal ? ['--shell-job'] : []),
    ...namespaceArguments(options),
    ...consoleArguments(options.consoleSocket),
    ...(options.noPivotRoot ? ['--no-pivot'] : []),
    id,
  ];
}

function namespaceArguments({
  emptyNamespaces,
  cgroupsMode,
}: Pick<CheckpointOptions, 'emptyNamespaces' | 'cgroupsMode'>): string[] {
  return [
    ...emptyNamespaces.flatMap((namespace) => ['--empty-ns', namespace]),
    ...(cgroupsMode === '' ? [] : ['--manage-cgroups-mode', cgroupsMode]),
  ];
}

function consoleArguments(path: string | undefined): string[] {
  return path === undefined ? [] : ['--console-socket', path];
}
