// `berth wait`: how processes end, told once they have.
import { tryEach } from '../each-id.js';
import type { Json } from '../json-value.js';
import type { CommandDefinition } from '../session.js';
import { endOf } from '../wait-for-end.js';

const help = `
Waits for each to end, and prints its exit code, or 'unknown' where nobody could measure it. One that has ended already
is told at once, also when the container is gone, as long as the exit is kept. A restart of berthd does not end the
waiting.

Exit code: 0, whatever theirs are; 1 where one is not known, or has never been started.

JSON: one object a line, {id, exitCode}; exitCode is null where it is unknown.

Examples:
  berth wait web
  berth wait --exec-id migrate web`;

export const wait: CommandDefinition = (command, session) => {
  command
    .argument('<id...>', 'containers')
    .option('--exec-id <id>', 'this exec instead of the init process')
    .addHelpText('after', help)
    .action(async (ids: string[], { execId = '' }: { readonly execId?: string }) => {
      const connection = await session.connect();
      await tryEach(ids, async (containerId) => {
        const exitCode = await endOf(connection, { containerId, execId });
        const json: Json = { id: containerId, exitCode: exitCode ?? null };
        if (session.wantsJson) session.printJsonLine(json);
        else session.printLine(String(exitCode ?? 'unknown'));
      });
    });
};
