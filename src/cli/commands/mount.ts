// `berth mount`: shows containers' root filesystems on the daemon's host, or lists those that are shown.
import { StorageService } from '../../generated/berth/v1/storage.js';
import { tryEach } from '../each-id.js';
import { jsonFromTimestamp } from '../json-value.js';
import type { CommandDefinition } from '../session.js';

const help = `
Prints where: a directory that only root may enter. Mounts are counted, and each takes an unmount. A container that is
mounted cannot be removed. Without a container, lists what is mounted.

JSON: {id, path, count} for each; in the list with label and mountedAt.

Examples:
  berth mount web
  berth mount --label system_u:object_r:container_file_t:s0:c1,c2 web
  berth mount`;

export const mount: CommandDefinition = (command, session) => {
  command
    .argument('[id...]', 'containers')
    .option('--label <label>', 'SELinux label that the files show there', '')
    .addHelpText('after', help)
    .action(async (ids: string[], { label }: { readonly label: string }) => {
      const connection = await session.connect();
      if (ids.length === 0) {
        const { mounts } = await connection.unary(StorageService.listMounts, {});
        if (session.wantsJson) {
          session.printJson(
            mounts.map(({ containerId: id, mountedAt, ...rest }) => ({
              id,
              ...rest,
              mountedAt: jsonFromTimestamp(mountedAt),
            })),
          );
        } else {
          const rows = mounts.map(({ containerId, path, count, label: shown }) => [
            containerId,
            path,
            String(count),
            shown,
          ]);
          await session.printTable(['CONTAINER', 'PATH', 'COUNT', 'LABEL'], rows);
        }
        return;
      }
      await tryEach(ids, async (id) => {
        const { path, count } = await connection.unary(StorageService.mount, { containerId: id, label });
        if (session.wantsJson) session.printJsonLine({ id, path, count });
        else session.printLine(path);
      });
    });
};
