// `berth gc`: a garbage collection now.
import { MaintenanceService } from '../../generated/berth/v1/maintenance.js';
import { jsonFromMessage } from '../json-value.js';
import type { CommandDefinition } from '../session.js';

const help = `
Removes content, snapshots and unfinished writes that no image, container or lease keeps, of all namespaces. The daemon
does so by itself soon after something was removed; this waits for it and tells what went.
JSON: {leases, images, blobs, ingests, snapshots, files, pause: {seconds, nanos}}.

Examples:
  berth gc`;

export const gc: CommandDefinition = (command, session) => {
  command.addHelpText('after', help).action(async () => {
    const connection = await session.connect();
    const removed = await connection.unary(MaintenanceService.collectGarbage, {}, { endless: true });
    if (session.wantsJson) return session.printJson(jsonFromMessage(removed));
    const { pause: _, ...counts } = removed;
    const told = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
    session.printLine(`removed ${told.join(', ')}`);
  });
};
