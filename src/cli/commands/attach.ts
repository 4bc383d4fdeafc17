// `berth attach`: our own streams as those of a process that runs already.
import { Option } from 'commander';
import { detachKeysOption } from '../detach-keys-option.js';
import type { CommandDefinition } from '../session.js';

const help = `
Of output that came while nobody was attached, the last 320 KiB are shown first. Clients that are attached at the same
time share the output: each byte goes to one of them. The end of our standard input is not passed on, so that another
client can attach later.

Keys are a comma-separated sequence of single characters and ctrl-KEY, where KEY is one of a-z @ [ \\ ] ^ _. They are
looked for in what is typed at a terminal only.

Without a terminal in the container, signals that reach berth go to the container (HUP, INT, QUIT, TERM, USR1, USR2,
ALRM, CONT). With one, or with --sig-proxy=false, HUP, INT, QUIT and TERM end berth, and the container runs on.

Exit code: the container's own; 0 after detaching; 128 + the signal that ended berth; 125 where Berth failed, 141 where
the reader of our standard output went away, 2 where this command line is wrong.

Examples:
  berth attach web
  berth attach --no-stdin --sig-proxy=false web
  berth attach --detach-keys ctrl-x,x shell`;

interface Options {
  readonly detachKeys: Buffer;
  readonly stdin: boolean;
  readonly sigProxy?: 'true' | 'false';
  readonly execId?: string;
}

export const attach: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .addOption(detachKeysOption())
    .option('--no-stdin', 'do not pass our standard input on')
    .addOption(
      new Option('--sig-proxy <boolean>', 'pass signals on (default: where it has no terminal)').choices([
        'true',
        'false',
      ]),
    )
    .option('--exec-id <id>', 'this exec instead of the init process; it is removed when it ends')
    .addHelpText('after', help)
    .action(async (containerId: string, { detachKeys, stdin, sigProxy, execId = '' }: Options) => {
      const { startFailure } = await import('../start-failure.js');
      try {
        const { attachProcess } = await import('../attach-process.js');
        const proxies = sigProxy === undefined ? {} : { sigProxy: sigProxy === 'true' };
        const plan = { containerId, execId, detachKeys, stdin, ...proxies };
        session.exitCode = await attachProcess(await session.connect(), plan);
      } catch (error) {
        throw startFailure(error);
      }
    });
};
