// `berth checkpoint restore`: brings a container back from a checkpoint, in the background.
import { CheckpointsService } from '../../generated/berth/v1/checkpoints.js';
import { logUriFromText } from '../parse/log-uri.js';
import type { CommandDefinition } from '../session.js';

const help = `
Without an id the container that was checkpointed is restored, made again where it is gone; with one, a new container.
The restored container's output goes where --log-uri says, else nowhere.
JSON: {id, pid}.

Examples:
  berth checkpoint restore before-upgrade
  berth checkpoint restore --log-uri /var/log/copy.log before-upgrade copy`;

interface Options {
  readonly logUri?: string;
  readonly tty?: boolean;
}

export const checkpointRestore: CommandDefinition = (command, session) => {
  command
    .argument('<name>', 'checkpoint')
    .argument('[id]', 'id of a new container')
    .option('--log-uri <uri>', 'where output goes: a file or a URI')
    .option('-t, --tty', 'the container has a terminal')
    .addHelpText('after', help)
    .action(async (name: string, id: string | undefined, { logUri, tty }: Options) => {
      const uri = logUri === undefined ? '' : logUriFromText(logUri, process.cwd());
      const terminal = tty ?? false;
      const streams = { stdin: '', stdout: uri, stderr: terminal ? '' : uri, terminal };
      const request = { name, containerId: id ?? '', ...streams, rootfs: [] };
      const connection = await session.connect();
      const { containerId, pid } = await connection.unary(CheckpointsService.restore, request, { endless: true });
      if (session.wantsJson) session.printJson({ id: containerId, pid });
      else session.printId(containerId);
    });
};
