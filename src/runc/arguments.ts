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

export function killArguments(id: string, signal: number, all: boolean): string[] {
  return ['kill', ...(all ? ['--all'] : []), id, String(signal)];
}

export function deleteArguments(id: string, force: boolean): string[] {
  return ['delete', ...(force ? ['--force'] : []), id];
}

function consoleArguments(path: string | undefined): string[] {
  return path === undefined ? [] : ['--console-socket', path];
}
