// `berth leases create`: keeps what clients make under it until it is removed or has expired.
import { LeasesService } from '../../generated/containerd/services/leases/v1/leases.js';
import { parseDuration } from '../parse/duration.js';
import { parseLabels } from '../parse/key-value.js';
import type { CommandDefinition } from '../session.js';

const help = `
Prints the id; the daemon makes one up where none is given.

Examples:
  berth leases create
  berth leases create --id build --expires 24h team=ci`;

/** The label by which leases expire, as containerd has it. */
const expireLabel = 'containerd.io/gc.expire';

interface Options {
  readonly id?: string;
  readonly expires?: number;
}

export const leasesCreate: CommandDefinition = (command, session) => {
  command
    .argument('[label...]', 'KEY=VALUE')
    .option('--id <id>', 'id, unique in the namespace')
    .option('--expires <duration>', 'how long it holds at most, such as 90s or 24h', (text) =>
      parseDuration('--expires', text),
    )
    .addHelpText('after', help)
    .action(async (texts: string[], { id = '', expires }: Options) => {
      const until = expires === undefined ? {} : { [expireLabel]: new Date(Date.now() + expires).toISOString() };
      const connection = await session.connect();
      const labels = { ...parseLabels(texts), ...until };
      const { lease } = await connection.unary(LeasesService.create, { id, labels });
      if (lease !== undefined) session.printId(lease.id);
    });
};
