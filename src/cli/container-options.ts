// The options that say what a container is, which `run` and `create` share, and the plan that they make.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { BerthError, messageOf } from '../domain/errors.js';
import type { ContainerPlan } from './container-plan.js';
import { collect, collectParsed } from './option-list.js';
import { parseBytes } from './parse/bytes.js';
import { parseEnv, parseLabels } from './parse/key-value.js';
import { parseMount } from './parse/mount.js';
import { parseDecimal, parseInteger } from './parse/number.js';
import { parseUser } from './parse/user.js';
import { type PullPolicy, pullPolicies } from './pull-policy.js';
import type { Session } from './session.js';
import { buildSpec, type SpecWishes } from './spec/build-spec.js';
import { readBundleSpec } from './spec/bundle.js';
import { defaultSpec } from './spec/default-spec.js';
import type { OciMount, OciSpec } from './spec/oci.js';
import { readSpecHost } from './spec/spec-host.js';
import { terminalSize } from './stdio/terminal.js';

const defaultRuntime = 'io.containerd.runc.v2';

export interface ContainerOptions {
  readonly tty?: boolean;
  readonly rootfs?: string;
  readonly bundle?: string;
  readonly env?: string[];
  readonly cwd?: string;
  readonly user?: string;
  readonly name?: string;
  readonly entrypoint?: string;
  readonly platform?: string;
  readonly snapshotter?: string;
  readonly pull: PullPolicy;
  readonly quiet?: boolean;
  readonly mount?: OciMount[];
  readonly memory?: number;
  readonly cpus?: number;
  readonly pidsLimit?: number;
  readonly readOnly?: boolean;
  readonly hostname?: string;
  readonly netHost?: boolean;
  readonly privileged?: boolean;
  readonly label?: string[];
  readonly runtime: string;
}

/** With the arguments: an image or an id, and the command. */
export function addContainerOptions(command: Command): Command {
  return command
    .argument('<image>', 'the image; with --rootfs or --bundle, the id')
    .argument('[command...]', 'what it runs')
    .passThroughOptions()
    .option('-t, --tty', 'give it a terminal')
    .addOption(imageOption('--name <id>', "its id, in place of one made of the image's name"))
    .addOption(imageOption('--entrypoint <command>', "in place of the image's; empty for none"))
    .addOption(imageOption('--platform <platform>', 'which of the image, such as linux/arm64'))
    .addOption(imageOption('--snapshotter <name>', 'what keeps its files: overlayfs or native'))
    .addOption(imageOption('--pull <when>', 'pull the image').choices(pullPolicies).default('missing'))
    .addOption(imageOption('-q, --quiet', 'tell nothing of how a pull goes on'))
    .addOption(new Option('--rootfs <dir>', 'its root filesystem, in place of an image').conflicts('bundle'))
    .option('--bundle <dir>', 'an OCI bundle: config.json and a root filesystem')
    .option('-e, --env <key=value>', 'set a variable; KEY alone passes ours on (repeatable)', collect)
    .option('-w, --cwd <dir>', 'its working directory')
    .option('-u, --user <user[:group]>', 'run as this user: of the image, or of --rootfs by number')
    .option(
      '--mount <mount>',
      'type=,src=,dst=,options=a:b (repeatable)',
      collectParsed((text) => parseMount(text, process.cwd())),
    )
    .option('-m, --memory <size>', 'limit of memory, such as 64m', (text) => parseBytes('memory', text))
    .option('--cpus <number>', 'limit of processors, such as 1.5', (text) => parseDecimal('cpus', text))
    .option('--pids-limit <number>', 'limit of processes; -1: none', (text) => parseInteger('pids limit', text, -1))
    .option('--read-only', 'its root filesystem cannot be written')
    .option('--hostname <name>', 'its host name')
    .option('--net-host', "the host's network, with its /etc/hosts and /etc/resolv.conf")
    .option('--privileged', 'all capabilities and device numbers, nothing masked (adds no device nodes)')
    .option('-l, --label <key=value>', 'label of the container; KEY alone: KEY=true (repeatable)', collect)
    .option('--runtime <name>', 'a runtime of containerd, or the path of a shim', defaultRuntime);
}

/** What `use` gives, which is called with the plan of the container, and has to call `onCreated` once that is there. */
export async function withContainerPlan<T>(
  session: Session,
  [first, args]: readonly [string, string[]],
  options: ContainerOptions,
  use: (plan: ContainerPlan, onCreated?: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const isImage = options.rootfs === undefined && options.bundle === undefined;
  if (!isImage) return await use(await planOfFiles(session, first, args, options));
  const { imageToRun } = await import('./image-to-run.js');
  const { idForImage, withPreparedImage } = await import('./prepared-image.js');
  const { imageCommand, withImage } = await import('./spec/image-spec.js');
  const id = options.name ?? idForImage(first);
  const { platform = '', snapshotter = '', user = '', entrypoint, pull, quiet = false } = options;
  const mountedPaths = (options.mount ?? []).map(({ destination }) => destination);
  const wishes = await wishesOf(args, options, session.environment);
  const image = await imageToRun(session, { image: first, platform, snapshotter, pull, quiet });
  const imageWishes = { image, platform, snapshotter, user, mountedPaths };
  return await withPreparedImage(
    session,
    id,
    imageWishes,
    (prepared) => {
      const base = withImage(defaultSpec(session.globals.namespace, id), prepared);
      const command = imageCommand(prepared.defaults, { args, entrypoint });
      const plan = planOf(id, buildSpec(base, { ...wishes, args: command }, readSpecHost()), options);
      return { ...plan, image: prepared.planned, labels: { ...prepared.labels, ...plan.labels } };
    },
    use,
  );
}

async function planOfFiles(
  session: Session,
  id: string,
  args: string[],
  options: ContainerOptions,
): Promise<ContainerPlan> {
  const base = await baseSpec(session.globals.namespace, id, options);
  const user = options.user === undefined ? {} : { user: parseUser(options.user) };
  const wishes = { ...(await wishesOf(args, options, session.environment)), ...user };
  return planOf(id, buildSpec(base, wishes, readSpecHost()), options);
}

function planOf(id: string, spec: OciSpec, { label, runtime }: ContainerOptions): ContainerPlan {
  return { id, spec, labels: parseLabels(label ?? []), runtime };
}

/** An option that only an image goes with. */
function imageOption(flags: string, text: string): Option {
  return new Option(flags, text).conflicts(['rootfs', 'bundle']);
}

async function baseSpec(namespace: string, id: string, { bundle }: ContainerOptions): Promise<OciSpec> {
  return bundle === undefined ? defaultSpec(namespace, id) : await readBundleSpec(resolve(bundle));
}

async function wishesOf(
  args: string[],
  options: ContainerOptions,
  environment: NodeJS.ProcessEnv,
): Promise<SpecWishes> {
  const { cwd, memory, cpus, pidsLimit, hostname } = options;
  const rootfs = options.rootfs === undefined ? undefined : await checkedDirectory(options.rootfs);
  const size = terminalSize();
  return {
    args,
    env: parseEnv(options.env ?? [], environment),
    mounts: options.mount ?? [],
    readOnly: options.readOnly === true,
    netHost: options.netHost === true,
    privileged: options.privileged === true,
    terminal: options.tty === true,
    ...(rootfs === undefined ? {} : { rootfs }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(pidsLimit === undefined ? {} : { pidsLimit }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(size === undefined ? {} : { terminalSize: size }),
  };
}

async function checkedDirectory(path: string): Promise<string> {
  const absolute = resolve(path);
  const found = await stat(absolute).catch((error: unknown) => {
    throw new BerthError('invalid-argument', `rootfs: ${messageOf(error)}`, { cause: error });
  });
  if (!found.isDirectory()) throw new BerthError('invalid-argument', `rootfs ${absolute} is not a directory`);
  return absolute;
}
