// `berth exits get`: how a container's process ended, the newest of that name.
import { BerthError } from '../../domain/errors.js';
import { ExitsService } from '../../generated/berth/v1/exits.js';
import { exitCells, exitHeaders, exitJson } from '../exit-record.js';
import type { CommandDefinition } from '../session.js';

const help = `
Answers also when the container is gone. JSON: one object as of 'berth exits ls'.

Examples:
  berth exits get web
  berth exits get --exec-id migrate web -o json | jq .exitStatus`;

export const exitsGet: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .option('--exec-id <id>', 'of this exec instead of the init process')
    .addHelpText('after', help)
    .action(async (containerId: string, { execId = '' }: { readonly execId?: string }) => {
      const connection = await session.connect();
      const { exit } = await connection.unary(ExitsService.get, { containerId, execId });
      if (exit === undefined) throw new BerthError('not-found', `no exit of container ${containerId} is kept`);
      if (session.wantsJson) session.printJson(exitJson(exit));
      else await session.printTable(exitHeaders, [exitCells(exit)]);
    });
};
