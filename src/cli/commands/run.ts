// `berth run`: makes a container and its task, and stays with it to its end unless told to leave it.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from 'commander';
import { BerthError, messageOf } from '../../domain/errors.js';
import { UsageError } from '../cli-error.js';
import { detachKeysOption } from '../detach-keys-option.js';
import { collect, collectParsed } from '../option-list.js';
import { parseBytes } from '../parse/bytes.js';
import { parseEnv, parseLabels } from '../parse/key-value.js';
import { parseMount } from '../parse/mount.js';
import { parseDecimal, parseInteger } from '../parse/number.js';
import { parseUser, type UserIds } from '../parse/user.js';
import { logUriFromText } from '../parse/log-uri.js';
import type { RunPlan } from '../run-container.js';
import type { CommandDefinition } from '../session.js';
import { buildSpec, type SpecWishes } from '../spec/build-spec.js';
import { readBundleSpec } from '../spec/bundle.js';
import { defaultSpec } from '../spec/default-spec.js';
import type { OciMount, OciSpec } from '../spec/oci.js';
import { readSpecHost } from '../spec/spec-host.js';
import { checkTerminal, terminalSize } from '../stdio/terminal.js';

const help = `
Everything after the id is the container's command. --bundle takes the spec from DIR/config.json, and the options
change it; --rootfs makes one as containerd's clients do. The command is 'sh' where none is given.

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
  readonly user?: UserIds;
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
    .argument('<id>', 'the new container')
    .argument('[command...]', 'what it runs')
    .passThroughOptions()
    .addOption(new Option('--rm', 'remove the container when it ends').conflicts('detach'))
    .option('-d, --detach', 'leave it running and print its id')
    .option('-i, --interactive', 'pass our standard input on')
    .option('-t, --tty', 'give it a terminal')
    .addOption(new Option('--rootfs <dir>', 'its root filesystem').conflicts('bundle'))
    .option('--bundle <dir>', 'an OCI bundle: config.json and a root filesystem')
    .option('-e, --env <key=value>', 'set a variable; KEY alone passes ours on (repeatable)', collect)
    .option('-w, --cwd <dir>', 'its working directory')
    .option('-u, --user <uid[:gid]>', 'run as these ids; the group is 0 where none is given', parseUser)
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
    .action(async (id: string, args: string[], options: Options) => {
      checkTerminal(options);
      const { startFailure } = await import('../start-failure.js');
      try {
        const plan = await makePlan(id, args, options);
        const { runContainer } = await import('../run-container.js');
        session.exitCode = await runContainer(session, plan);
      } catch (error) {
        throw startFailure(error);
      }
    });

  async function makePlan(id: string, args: string[], options: Options): Promise<RunPlan> {
    const base = await baseSpec(session.globals.namespace, id, options);
    const spec = buildSpec(base, await wishesOf(args, options, session.environment), readSpecHost());
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
};

async function baseSpec(namespace: string, id: string, { rootfs, bundle }: Options): Promise<OciSpec> {
  if (bundle !== undefined) return await readBundleSpec(resolve(bundle));
  if (rootfs === undefined) throw new UsageError("give --rootfs DIR or --bundle DIR (see 'berth run --help')");
  return defaultSpec(namespace, id);
}

async function wishesOf(args: string[], options: Options, environment: NodeJS.ProcessEnv): Promise<SpecWishes> {
  const { cwd, user, memory, cpus, pidsLimit, hostname } = options;
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
    ...(user === undefined ? {} : { user }),
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
