// Lays what `berth run` was asked for over a base spec (the default one or a bundle's). Pure: the host is told to it.
import type { UserIds } from '../parse/user.js';
import { mergeEnv } from '../parse/key-value.js';
import type { OciLinux, OciMount, OciProcess, OciResources, OciSpec } from './oci.js';

export interface SpecWishes {
  /** An absolute path. */
  readonly rootfs?: string;
  /** Replaces the base's command where it is not empty. */
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd?: string;
  readonly user?: UserIds;
  readonly mounts: readonly OciMount[];
  readonly memoryBytes?: number;
  readonly cpus?: number;
  readonly pidsLimit?: number;
  readonly readOnly: boolean;
  readonly hostname?: string;
  readonly netHost: boolean;
  readonly privileged: boolean;
  readonly terminal: boolean;
  readonly terminalSize?: { readonly width: number; readonly height: number };
}

/** What of the host a spec may need. */
export interface SpecHost {
  /** Files of /etc that a container in the host's network shares, where they exist. */
  readonly networkFiles: readonly string[];
  /** Capabilities that this process could give away. */
  readonly capabilities: readonly string[];
}

/** Microseconds; the kernel's default for cpu.cfs_period_us. */
const cpuPeriodMicros = 100_000;

export function buildSpec(base: OciSpec, wishes: SpecWishes, host: SpecHost): OciSpec {
  const mounts = [...mountsOf(base, wishes.privileged), ...networkMounts(wishes, host), ...wishes.mounts];
  const hostname = wishes.hostname === undefined ? {} : { hostname: wishes.hostname };
  const readonly = wishes.readOnly ? { readonly: true } : {};
  return {
    ...base,
    ...hostname,
    root: { ...base.root, ...(wishes.rootfs === undefined ? {} : { path: wishes.rootfs }), ...readonly },
    process: processOf(base.process, wishes, host),
    mounts,
    linux: linuxOf(base.linux ?? {}, wishes),
  };
}

function processOf(base: OciProcess, wishes: SpecWishes, host: SpecHost): OciProcess {
  const { consoleSize: _, ...rest } = base;
  const term = wishes.terminal ? ['TERM=xterm'] : [];
  const all = host.capabilities;
  return {
    ...rest,
    terminal: wishes.terminal,
    ...(wishes.terminal && wishes.terminalSize !== undefined ? { consoleSize: wishes.terminalSize } : {}),
    ...(wishes.args.length > 0 ? { args: wishes.args } : {}),
    env: mergeEnv([...term, ...(base.env ?? [])], wishes.env),
    ...(wishes.cwd === undefined ? {} : { cwd: wishes.cwd }),
    ...(wishes.user === undefined ? {} : { user: wishes.user }),
    ...(wishes.privileged
      ? { capabilities: { bounding: all, effective: all, permitted: all }, noNewPrivileges: false }
      : {}),
  };
}

function linuxOf(base: OciLinux, wishes: SpecWishes): OciLinux {
  const namespaces = base.namespaces?.filter(({ type }) => !(wishes.netHost && type === 'network'));
  return {
    ...base,
    ...(namespaces === undefined ? {} : { namespaces }),
    resources: resourcesOf(base.resources ?? {}, wishes),
    ...(wishes.privileged ? { maskedPaths: [], readonlyPaths: [] } : {}),
  };
}

function resourcesOf(base: OciResources, wishes: SpecWishes): OciResources {
  const { memoryBytes, cpus, pidsLimit } = wishes;
  const quota = Math.round((cpus ?? 0) * cpuPeriodMicros);
  return {
    ...base,
    ...(wishes.privileged ? { devices: [{ allow: true, access: 'rwm' }] } : {}),
    ...(memoryBytes === undefined ? {} : { memory: { ...base.memory, limit: memoryBytes } }),
    ...(cpus === undefined ? {} : { cpu: { ...base.cpu, quota, period: cpuPeriodMicros } }),
    ...(pidsLimit === undefined ? {} : { pids: { limit: pidsLimit } }),
  };
}

function mountsOf(base: OciSpec, privileged: boolean): readonly OciMount[] {
  const mounts = base.mounts ?? [];
  if (!privileged) return mounts;
  return mounts.map((mount) =>
    mount.type === 'sysfs' || mount.type === 'cgroup'
      ? { ...mount, options: (mount.options ?? []).map((option) => (option === 'ro' ? 'rw' : option)) }
      : mount,
  );
}

/** The host's network without its resolver and names would be of little use. */
function networkMounts(wishes: SpecWishes, host: SpecHost): OciMount[] {
  if (!wishes.netHost) return [];
  return host.networkFiles.map((file) => ({
    type: 'bind',
    source: file,
    destination: file,
    options: ['rbind', 'ro'],
  }));
}
