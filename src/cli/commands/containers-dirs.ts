// `berth containers dirs`: the directories on the daemon's host that are a container's own.
import { StorageService } from '../../generated/berth/v1/storage.js';
import type { CommandDefinition } from '../session.js';

const help = `
They are made when they are asked for, and go with the container: the work directory is kept over reboots, the run
directory is of this boot. Only root may enter either.

JSON: {id, workDirectory, runDirectory}.

Examples:
  berth containers dirs web`;

export const containersDirs: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .addHelpText('after', help)
    .action(async (id: string) => {
      const connection = await session.connect();
      const { workDirectory, runDirectory } = await connection.unary(StorageService.directories, { containerId: id });
      if (session.wantsJson) session.printJson({ id, workDirectory, runDirectory });
      else await session.printTable(['WORK', 'RUN'], [[workDirectory, runDirectory]]);
    });
};
