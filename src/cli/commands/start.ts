// `berth start`: runs containers that are there: created, stopped, or of before a reboot.
import { Option } from 'commander';
import { UsageError } from '../cli-error.js';
import { detachKeysOption } from '../detach-keys-option.js';
import { tryEach } from '../each-id.js';
import { logUriFromText } from '../parse/log-uri.js';
import type { CommandDefinition } from '../session.js';

const help = `
Runs the container's command, also of one that ran before or was left by a reboot. One that runs already is no error,
but with --attach.

Without --attach, output goes to FIFOs for a later 'berth attach', or to where --log-uri says; where it went to a log
before, it goes there again. With --attach, signals, a lost terminal and the detach keys are treated as by 'berth run'.
A start that fails leaves the container as it was, without a task.

Exit code: with --attach the container's own; 125 where Berth failed, 126 where the command cannot be executed, 127
where it was not found, 141 where the reader of our standard output went away; without it, 1 where any has failed; 2
where this command line is wrong.

Examples:
  berth start web worker
  berth start --attach -i shell
  berth start --log-uri /var/log/web.log web`;

interface Options {
  readonly attach?: boolean;
  readonly interactive?: boolean;
  readonly logUri?: string;
  readonly detachKeys: Buffer;
}

export const start: CommandDefinition = (command, session) => {
  command
    .argument('<id...>', 'containers')
    .option('-a, --attach', 'stay with it to its end, with our streams as its own')
    .option('-i, --interactive', 'it has a standard input; with --attach ours (default: as it had before)')
    .addOption(new Option('--log-uri <uri>', 'a file, file:// or binary:// for its output').conflicts('attach'))
    .addOption(detachKeysOption())
    .addHelpText('after', help)
    .action(async (ids: string[], { attach = false, interactive, logUri, detachKeys }: Options) => {
      if (attach && ids.length > 1) throw new UsageError('--attach goes with one container only');
      const { startContainer } = await import('../start-container.js');
      const wishes = {
        attach,
        detachKeys,
        ...(interactive === undefined ? {} : { interactive }),
        ...(logUri === undefined ? {} : { logUri: logUriFromText(logUri, process.cwd()) }),
      };
      if (!attach) return await tryEach(ids, async (id) => void (await startContainer(session, id, wishes)));
      const { startFailure } = await import('../start-failure.js');
      try {
        for (const id of ids) session.exitCode = await startContainer(session, id, wishes);
      } catch (error) {
        throw startFailure(error);
      }
    });
};
