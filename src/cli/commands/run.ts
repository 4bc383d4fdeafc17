// `berth run`: makes a container and its task, and stays with it to its end unless told to leave it.
import { Option } from 'commander';
import { addContainerOptions, type ContainerOptions, withContainerPlan } from '../container-options.js';
import { detachKeysOption } from '../detach-keys-option.js';
import { logUriFromText } from '../parse/log-uri.js';
import type { RunWishes } from '../run-task.js';
import type { CommandDefinition } from '../session.js';
import { checkTerminal } from '../stdio/terminal.js';

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

interface Options extends ContainerOptions {
  readonly rm?: boolean;
  readonly detach?: boolean;
  readonly interactive?: boolean;
  readonly logUri?: string;
  readonly detachKeys: Buffer;
}

export const run: CommandDefinition = (command, session) => {
  command
    .addOption(new Option('--rm', 'remove the container when it ends').conflicts('detach'))
    .option('-d, --detach', 'leave it running and print its id')
    .option('-i, --interactive', 'pass our standard input on');
  addContainerOptions(command)
    .addOption(
      new Option('--log-uri <uri>', 'with -d: a file, file:// or binary:// for its output').implies({ detach: true }),
    )
    .addOption(detachKeysOption())
    .addHelpText('after', help)
    .action(async (first: string, args: string[], options: Options) => {
      checkTerminal(options);
      const { startFailure } = await import('../start-failure.js');
      try {
        session.exitCode = await withContainerPlan(session, [first, args], options, async (plan, onCreated) => {
          const { runContainer } = await import('../run-container.js');
          return await runContainer(session, { ...plan, ...wishesOf(options) }, onCreated);
        });
      } catch (error) {
        throw startFailure(error);
      }
    });
};

function wishesOf(options: Options): RunWishes {
  return {
    remove: options.rm === true,
    detach: options.detach === true,
    logUri: options.logUri === undefined ? '' : logUriFromText(options.logUri, process.cwd()),
    stdio: { stdin: options.interactive === true, terminal: options.tty === true },
    detachKeys: options.detachKeys,
  };
}
