// `berth check`: the daemon holds what it has against its invariants, and mends what it can.
import { type Finding, MaintenanceService } from '../../generated/berth/v1/maintenance.js';
import { ExitError } from '../cli-error.js';
import { exitCodes } from '../exit-codes.js';
import { jsonFromMessage } from '../json-value.js';
import type { CommandDefinition } from '../session.js';

const help = `
Looks at all namespaces: records, shims, processes, the runtime's state, mounts, cgroups, the journal, content,
snapshots, containers' directories. --repair mends what can be mended without harm to anything that runs. What to do
about the rest stands under REMEDY.

Exit code: 1 where something is found that is not mended.

JSON: {findings: [{invariant, object, message, repaired, remedy}], lookedAt: {INVARIANT: count}}.

Examples:
  berth check
  berth check --repair`;

export const check: CommandDefinition = (command, session) => {
  command
    .option('--repair', 'mend what is found')
    .addHelpText('after', help)
    .action(async ({ repair = false }: { readonly repair?: boolean }) => {
      const connection = await session.connect();
      const { findings, lookedAt } = await connection.unary(MaintenanceService.check, { repair }, { endless: true });
      const left = findings.filter(({ repaired }) => !repaired).length;
      if (session.wantsJson) session.printJson(jsonFromMessage({ findings, lookedAt }));
      else {
        if (findings.length > 0) await session.printTable(headers, findings.map(cellsOf));
        session.printLine(summaryOf(findings.length, left));
        for (const name of Object.keys(lookedAt).sort())
          session.printLine(`  ${name}: ${lookedAt[name] ?? 0n} looked at`);
      }
      if (left > 0) throw new ExitError(exitCodes.failed);
    });
};

const headers = ['INVARIANT', 'OBJECT', 'FOUND', 'REPAIRED', 'REMEDY'];

function cellsOf({ invariant, object, message, repaired, remedy }: Finding): string[] {
  return [invariant, object, message, repaired ? 'yes' : 'no', remedy];
}

function summaryOf(found: number, left: number): string {
  if (found === 0) return 'Everything is as it should be.';
  return left === 0 ? `${found} found, all repaired.` : `${found} found, ${left} not repaired.`;
}
