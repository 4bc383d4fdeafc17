// `berth exec`: one more process in a running container.
import { UsageError } from '../cli-error.js';
import { detachKeysOption } from '../detach-keys-option.js';
import type { ExecPlan } from '../exec-process.js';
import { collect } from '../option-list.js';
import { parseEnv } from '../parse/key-value.js';
import { parseUser, type UserIds } from '../parse/user.js';
import type { CommandDefinition } from '../session.js';
import { checkTerminal } from '../stdio/terminal.js';

const help = `
Everything after the id is the command. It runs with the container's environment, working directory, user and rights, as
far as no option says otherwise. Signals, a lost terminal and the detach keys are treated as by 'berth run'.

Exit code: the command's own; 125 where Berth failed, 126 where the command cannot be executed, 127 where it was not
found, 141 where the reader of our standard output went away, 2 where this command line is wrong.

Examples:
  berth exec web ps
  berth exec -it web sh
  berth exec -d --env DEBUG=1 web /bin/refresh`;

interface Options {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly detach?: boolean;
  readonly env?: string[];
  readonly cwd?: string;
  readonly user?: UserIds;
  readonly execId?: string;
  readonly detachKeys: Buffer;
}

export const exec: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .argument('<command...>', 'what to run')
    .passThroughOptions()
    .option('-i, --interactive', 'pass our standard input on')
    .option('-t, --tty', 'give it a terminal')
    .option('-d, --detach', 'do not wait; without input and output; prints the id of the exec')
    .option('-e, --env <key=value>', 'set a variable; KEY alone passes ours on (repeatable)', collect)
    .option('-w, --cwd <dir>', 'its working directory')
    .option('-u, --user <uid[:gid]>', 'run as these ids; the group is 0 where none is given', parseUser)
    .option('--exec-id <id>', 'id of the exec (default: a random one)')
    .addOption(detachKeysOption())
    .addHelpText('after', help)
    .action(async (containerId: string, args: string[], options: Options) => {
      if (options.detach === true && (options.interactive === true || options.tty === true)) {
        throw new UsageError('an exec that is detached (-d) has no input (-i) and no terminal (-t)');
      }
      checkTerminal(options);
      const { startFailure } = await import('../start-failure.js');
      try {
        const { execProcess, newExecId } = await import('../exec-process.js');
        const { cwd, user } = options;
        const plan: ExecPlan = {
          containerId,
          execId: options.execId ?? newExecId(),
          args,
          env: parseEnv(options.env ?? [], session.environment),
          detach: options.detach === true,
          stdio: { stdin: options.interactive === true, terminal: options.tty === true },
          detachKeys: options.detachKeys,
          ...(cwd === undefined ? {} : { cwd }),
          ...(user === undefined ? {} : { user }),
        };
        session.exitCode = await execProcess(session, plan);
      } catch (error) {
        throw startFailure(error);
      }
    });
};
