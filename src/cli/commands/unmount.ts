// `berth unmount`: undoes one `berth mount` of each container, or all of them.
import { StorageService } from '../../generated/berth/v1/storage.js';
import { tryEach } from '../each-id.js';
import type { CommandDefinition } from '../session.js';

const help = `
Prints the id and how many mounts are left. Without --force, a container that is not mounted is an error, and so is the
last unmount while files are open in it. The container itself runs on in either case.

JSON: {id, count} for each.

Examples:
  berth unmount web
  berth unmount -f web`;

export const unmount: CommandDefinition = (command, session) => {
  command
    .argument('<id...>', 'containers')
    .option('-f, --force', 'undo all mounts at once, also where it is busy')
    .addHelpText('after', help)
    .action(async (ids: string[], { force = false }: { readonly force?: boolean }) => {
      const connection = await session.connect();
      await tryEach(ids, async (id) => {
        const { count } = await connection.unary(StorageService.unmount, { containerId: id, force });
        if (session.wantsJson) session.printJsonLine({ id, count });
        else session.printLine(`${id} ${count}`);
      });
    });
};
