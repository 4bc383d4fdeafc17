// `berth run`: makes a container and its task, and stays with it to its end unless told to leave it.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from 'commander';
import { BerthError, messageOf } from '../../domain/errors.js';
import { detachKeysOption } from '../detach-keys-option.js';
import { collect, collectParsed } from '../option-list.js';
import { parseBytes } from '../parse/bytes.js';
import { parseEnv, parseLabels } from '../parse/key-value.js';
import { parseMount } from '../parse/mount.js';
import { parseDecimal, parseInteger } from '../parse/number.js';
import { parseUser } from '../parse/user.js';
import { logUriFromText } from '../parse/log-uri.js';
import { type PullPolicy, pullPolicies } from '../pull-policy.js';
import type { RunPlan } from '../run-container.js';
import type { CommandDefinition } from '../session.js';
import { buildSpec, type SpecWishes } from '../spec/build-spec.js';
import { readBundleSpec } from '../spec/bundle.js';
import { defaultSpec } from '../spec/default-spec.js';
import type { OciMount, OciSpec } from '../spec/oci.js';
import { readSpecHost } from '../spec/spec-host.js';
import { checkTerminal, terminalSize } from '../stdio/terminal.js';

const help = `
The first argument is an image, whose root filesystem, command, environment, user, working directory, volumes, labels
and stop signal the container gets; the options change them. What follows is arguments for the image's entry point.
The container is called after the image unless --name says otherwise. Each volume that the image declares is a directory
of the container's own, with what the image has there; it goes with the container.

An image that is missing, or has nothing for the platform, is pulled first, as 'berth pull' does it without options,
with the credentials of 'docker login'. --pull always asks the registry each time, --pull never asks none.

With --rootfs or --bundle the first argument is the container's id, and what follows is its command. --bundle takes the
spec from DIR/config.json, and the options change it; --rootfs makes one as containerd's clients do. The command is 'sh'
where none is given.

In the foreground, signals that reach berth go to the container (HUP, INT, QUIT, TERM, USR1, USR2, ALRM, CONT), and
berth ends when it does. With -t, the end of the terminal, or HUP, INT, QUIT or TERM to berth, ends the container: that
signal, and KILL ten seconds later. The detach keys, typed at the terminal of -it, leave the container running and end
berth with code 0; 'berth attach' comes back to it. --rm counts for nothing then. When the reader of our standard output
goes away, the container is killed.

Without --rm, the stopped container stays for 'berth ps -a' and 'berth rm'. A container that never started stays in no
case. With -d, berth prints the id; output goes to FIFOs for a later 'berth attach', or to where --log-uri says.

Exit code: the container's own; 125 where Berth failed, 126 where the command cannot be executed, 127 where it was not
found, 141 where the reader of our standard output went away, 2 where this command line is wrong.

Examples:
  berth run --rm docker.io/library/busybox:latest echo hi
  berth run --rm --pull always 127.0.0.1:5000/app:latest
  berth run -d --name web -e PORT=80 registry.example/web:2
  berth run --rm --rootfs /srv/busybox hello echo hi
  berth run --rm -it --rootfs /srv/busybox --memory 64m --cpus 0.5 box sh
  berth run -d --rootfs /srv/web --net-host --mount src=/srv/www,dst=/www,ro web httpd -f
  echo hi | berth run --rm -i --rootfs /srv/busybox cat cat`;

const defaultRuntime = 'io.containerd.runc.v2';

interface Options {
  readonly rm?: boolean;
  readonly detach?: boolean;
  readonly interactive?: boolean;
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
  readonly logUri?: string;
  readonly detachKeys: Buffer;
  readonly runtime: string;
}

export const run: CommandDefinition = (command, session) => {
  command
    .argument('<image>', 'the image; with --rootfs or --bundle, the id')
    .argument('[command...]', 'what it runs')
    .passThroughOptions()
    .addOption(new Option('--rm', 'remove the container when it ends').conflicts('detach'))
    .option('-d, --detach', 'leave it running and print its id')
    .option('-i, --interactive', 'pass our standard input on')
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
    .addOption(
      new Option('--log-uri <uri>', 'with -d: a file, file:// or binary:// for its output').implies({ detach: true }),
    )
    .addOption(detachKeysOption())
    .option('--runtime <name>', 'a runtime of containerd, or the path of a shim', defaultRuntime)
    .addHelpText('after', help)
    .action(async (first: string, args: string[], options: Options) => {
      checkTerminal(options);
      const { startFailure } = await import('../start-failure.js');
      try {
        const isImage = options.rootfs === undefined && options.bundle === undefined;
        session.exitCode = isImage ? await runOfImage(first, args, options) : await runOfFiles(first, args, options);
      } catch (error) {
        throw startFailure(error);
      }
    });

  async function runOfFiles(id: string, args: string[], options: Options): Promise<number> {
    const base = await baseSpec(session.globals.namespace, id, options);
    const user = options.user === undefined ? {} : { user: parseUser(options.user) };
    const wishes = { ...(await wishesOf(args, options, session.environment)), ...user };
    const { runContainer } = await import('../run-container.js');
    return await runContainer(session, planOf(id, buildSpec(base, wishes, readSpecHost()), options));
  }

  async function runOfImage(text: string, args: string[], options: Options): Promise<number> {
    const { imageToRun } = await import('../image-to-run.js');
    const { idForImage, runImage } = await import('../run-image.js');
    const { imageCommand, withImage } = await import('../spec/image-spec.js');
    const id = options.name ?? idForImage(text);
    const { platform = '', snapshotter = '', user = '', entrypoint, pull, quiet = false } = options;
    const mountedPaths = (options.mount ?? []).map(({ destination }) => destination);
    const wishes = await wishesOf(args, options, session.environment);
    const image = await imageToRun(session, { image: text, platform, snapshotter, pull, quiet });
    return await runImage(session, id, { image, platform, snapshotter, user, mountedPaths }, (prepared) => {
      const base = withImage(defaultSpec(session.globals.namespace, id), prepared);
      const command = imageCommand(prepared.defaults, { args, entrypoint });
      const plan = planOf(id, buildSpec(base, { ...wishes, args: command }, readSpecHost()), options);
      return { ...plan, image: prepared.planned, labels: { ...prepared.labels, ...plan.labels } };
    });
  }
};

function planOf(id: string, spec: OciSpec, options: Options): RunPlan {
  return {
    id,
    spec,
    labels: parseLabels(options.label ?? []),
    runtime: options.runtime,
    remove: options.rm === true,
    detach: options.detach === true,
    logUri: options.logUri === undefined ? '' : logUriFromText(options.logUri, process.cwd()),
    stdio: { stdin: options.interactive === true, terminal: options.tty === true },
    detachKeys: options.detachKeys,
  };
}

/** An option that only an image goes with. */
function imageOption(flags: string, text: string): Option {
  return new Option(flags, text).conflicts(['rootfs', 'bundle']);
}

async function baseSpec(namespace: string, id: string, { bundle }: Options): Promise<OciSpec> {
  return bundle === undefined ? defaultSpec(namespace, id) : await readBundleSpec(resolve(bundle));
}

async function wishesOf(args: string[], options: Options, environment: NodeJS.ProcessEnv): Promise<SpecWishes> {
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
