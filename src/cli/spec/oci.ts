// The parts of the OCI runtime spec that `berth` reads or writes; whatever else a bundle's config.json holds is kept.
export interface OciMount {
  readonly type?: string;
  readonly source?: string;
  readonly destination: string;
  readonly options?: readonly string[];
}

export interface OciCapabilities {
  readonly bounding?: readonly string[];
  readonly effective?: readonly string[];
  readonly permitted?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly ambient?: readonly string[];
}

export interface OciProcess {
  readonly terminal?: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user: { readonly uid: number; readonly gid: number; readonly additionalGids?: readonly number[] };
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly cwd: string;
  readonly capabilities?: OciCapabilities;
  readonly rlimits?: readonly { readonly type: string; readonly hard: number; readonly soft: number }[];
  readonly noNewPrivileges?: boolean;
}

export interface OciDeviceRule {
  readonly allow: boolean;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly access?: string;
}

export interface OciResources {
  readonly devices?: readonly OciDeviceRule[];
  readonly memory?: { readonly limit?: number };
  readonly cpu?: { readonly quota?: number; readonly period?: number };
  readonly pids?: { readonly limit: number };
}

export interface OciLinux {
  readonly cgroupsPath?: string;
  readonly namespaces?: readonly { readonly type: string; readonly path?: string }[];
  readonly resources?: OciResources;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
}

export interface OciSpec {
  readonly ociVersion: string;
  readonly root: { readonly path: string; readonly readonly?: boolean };
  readonly process: OciProcess;
  readonly hostname?: string;
  readonly mounts?: readonly OciMount[];
  readonly linux?: OciLinux;
}

export const specTypeUrl = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';
export const processTypeUrl = 'types.containerd.io/opencontainers/runtime-spec/1/Process';
