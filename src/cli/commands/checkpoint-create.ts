// `berth checkpoint create`: dumps a container into the catalogue.
import { CheckpointsService } from '../../generated/berth/v1/checkpoints.js';
import { checkpointJson } from '../checkpoint-json.js';
import { collect } from '../option-list.js';
import type { CommandDefinition } from '../session.js';

const help = `
Needs CRIU on the daemon's host (see berth doctor). A checkpoint that fails leaves the container running.

Examples:
  berth checkpoint create web before-upgrade
  berth checkpoint create --exit --tcp db moved
  berth checkpoint create --empty-ns network web portable`;

interface Options {
  readonly exit?: boolean;
  readonly tcp?: boolean;
  readonly unixSockets?: boolean;
  readonly shell?: boolean;
  readonly fileLocks?: boolean;
  readonly emptyNs?: string[];
  readonly preDump?: boolean;
  readonly parent?: string;
}

export const checkpointCreate: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .argument('<name>', 'name of the checkpoint, unique in the namespace')
    .option('--exit', 'stop the container; without it the container runs on')
    .option('--tcp', 'allow established TCP connections')
    .option('--unix-sockets', 'allow unix sockets connected to processes outside')
    .option('--shell', 'allow a container with a terminal')
    .option('--file-locks', 'allow file locks')
    .option('--empty-ns <namespace>', 'namespace to make afresh at the restore, such as network', collect)
    .option('--pre-dump', 'only copy memory, for a later checkpoint with --parent')
    .option('--parent <name>', 'checkpoint whose memory this one adds to')
    .addHelpText('after', help)
    .action(async (containerId: string, name: string, options: Options) => {
      const request = { containerId, name, options: choicesFrom(options), parent: options.parent ?? '' };
      const connection = await session.connect();
      const { checkpoint } = await connection.unary(CheckpointsService.create, request, { endless: true });
      if (session.wantsJson && checkpoint !== undefined) session.printJson(checkpointJson(checkpoint));
      else session.printId(name);
    });
};

function choicesFrom(options: Options) {
  const { exit, tcp, unixSockets, shell, fileLocks, emptyNs, preDump } = options;
  return {
    exit: exit ?? false,
    openTcp: tcp ?? false,
    externalUnixSockets: unixSockets ?? false,
    shell: shell ?? false,
    fileLocks: fileLocks ?? false,
    emptyNamespaces: emptyNs ?? [],
    preDump: preDump ?? false,
  };
}
