// `berth rm`: removes containers with their stopped tasks.
import { forEachId } from '../each-id.js';
import { removeContainer } from '../remove-container.js';
import type { CommandDefinition } from '../session.js';

const help = `
Examples:
  berth rm web worker
  berth rm -f web`;

export const rm: CommandDefinition = (command, session) => {
  command
    .argument('<id...>', 'containers')
    .option('-f, --force', 'kill what still runs')
    .addHelpText('after', help)
    .action(async (ids: string[], { force = false }: { readonly force?: boolean }) => {
      const connection = await session.connect();
      await forEachId(session, ids, async (id) => await removeContainer(connection, id, force));
    });
};
