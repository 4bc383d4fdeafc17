// `berth checkpoint verify`: compares a checkpoint's files with their digests on record.
import { type CheckpointFault, CheckpointsService } from '../../generated/berth/v1/checkpoints.js';
import { ExitError } from '../cli-error.js';
import { exitCodes } from '../exit-codes.js';
import { jsonFromMessage } from '../json-value.js';
import type { CommandDefinition } from '../session.js';

const help = `
Ends with code 1 where a file is changed, missing or not on record.
JSON: one line per checkpoint, {name, faults: [{path, expectedDigest, actualDigest}]}.

Examples:
  berth checkpoint verify before-upgrade`;

export const checkpointVerify: CommandDefinition = (command, session) => {
  command
    .argument('<name...>', 'checkpoints')
    .addHelpText('after', help)
    .action(async (names: string[]) => {
      const connection = await session.connect();
      let damaged = 0;
      for (const name of names) {
        const { faults } = await connection.unary(CheckpointsService.verify, { name }, { endless: true });
        if (faults.length > 0) damaged++;
        if (session.wantsJson) session.printJsonLine({ name, faults: jsonFromMessage(faults) });
        else if (faults.length === 0) session.printLine(`${name}: ok`);
        else for (const fault of faults) session.printLine(`${name}: ${describe(fault)}`);
      }
      if (damaged > 0) throw new ExitError(exitCodes.failed, `${damaged} of ${names.length} checkpoints damaged`);
    });
};

function describe({ path, expectedDigest, actualDigest }: CheckpointFault): string {
  if (actualDigest === '') return `${path} is missing`;
  if (expectedDigest === '') return `${path} does not belong to it`;
  return `${path} is changed: ${actualDigest}, not ${expectedDigest}`;
}
