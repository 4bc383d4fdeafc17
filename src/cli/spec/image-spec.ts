// What an image asks for, laid under what `berth run` was asked for. Pure.
import type { ContainerVolume, ImageDefaults, ResolvedUser } from '../../generated/berth/v1/storage.js';
import { UsageError } from '../cli-error.js';
import { mergeEnv } from '../parse/key-value.js';
import type { OciMount, OciSpec } from './oci.js';

export interface ImageSpec {
  readonly defaults: ImageDefaults;
  readonly user: ResolvedUser;
  readonly volumes: readonly ContainerVolume[];
}

/** The command as Docker puts it together: a new entry point makes the image's own command void. */
export function imageCommand(
  { entrypoint, cmd }: Pick<ImageDefaults, 'entrypoint' | 'cmd'>,
  wished: { readonly args: readonly string[]; readonly entrypoint?: string | undefined },
): readonly string[] {
  const first = wished.entrypoint === undefined ? entrypoint : wished.entrypoint === '' ? [] : [wished.entrypoint];
  const rest = wished.args.length > 0 || wished.entrypoint !== undefined ? wished.args : cmd;
  const command = [...first, ...rest];
  if (command.length === 0) throw new UsageError('the image names no command: give one');
  return command;
}

/** `base` with the image's environment, working directory, user and volumes. */
export function withImage(base: OciSpec, { defaults, user, volumes }: ImageSpec): OciSpec {
  const { env, workingDir } = defaults;
  return {
    ...base,
    process: {
      ...base.process,
      env: mergeEnv(base.process.env ?? [], env),
      cwd: workingDir === '' ? base.process.cwd : absolute(workingDir),
      user,
    },
    mounts: [...(base.mounts ?? []), ...volumes.map(volumeMount)],
  };
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function volumeMount({ destination, source }: ContainerVolume): OciMount {
  return { destination, type: 'bind', source, options: ['rbind', 'rw'] };
}
