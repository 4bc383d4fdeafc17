// `berth doctor`: what this host has and lacks for running containers.
import { messageOf } from '../../domain/errors.js';
import { ExitError } from '../cli-error.js';
import { checkCgroups } from '../doctor/cgroup-checks.js';
import { checkCodeCaches } from '../doctor/code-cache-check.js';
import { checkDaemon } from '../doctor/daemon-check.js';
import { type Check, type Finding, warn } from '../doctor/finding.js';
import { checkKernel } from '../doctor/kernel-checks.js';
import { checkPermissions } from '../doctor/permission-checks.js';
import { checkCriu, checkNode, checkRuntime } from '../doctor/program-checks.js';
import { exitCodes } from '../exit-codes.js';
import type { Json } from '../json-value.js';
import { programDirectory } from '../package-files.js';
import type { CommandDefinition } from '../session.js';
import { printable } from '../table.js';

const help = `
Needs no daemon. FAIL: containers cannot run here; WARN: something that a part of Berth needs is missing. What to do is
below each. The exit code is 1 where anything fails.

JSON: an array of {check, status, detail, advice}; advice is null where there is none.

Examples:
  berth doctor
  berth doctor --runtime crun`;

export const doctor: CommandDefinition = (command, session) => {
  command
    .option('--runtime <file>', 'the OCI runtime that berthd is to use', 'runc')
    .addHelpText('after', help)
    .action(async ({ runtime }: { readonly runtime: string }) => {
      const checks: Record<string, Check> = {
        node: () => checkNode(process.version),
        'code cache': () => checkCodeCaches(programDirectory),
        kernel: checkKernel,
        cgroup: checkCgroups,
        permissions: checkPermissions,
        runtime: async () => await checkRuntime(runtime),
        criu: checkCriu,
        daemon: async () => await checkDaemon(session),
      };
      const found = await Promise.all(Object.entries(checks).map(async ([name, check]) => await make(name, check)));
      const findings = found.flat();
      if (session.wantsJson) session.printJson(findings.map(jsonOf));
      else for (const finding of findings) printFinding(session.printLine.bind(session), finding);
      if (findings.some(({ status }) => status === 'FAIL')) throw new ExitError(exitCodes.failed);
    });
};

async function make(name: string, check: Check): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    return [warn(name, `could not be checked: ${messageOf(error)}`, "run 'berth doctor' as root")];
  }
}

function jsonOf({ check, status, detail, advice }: Finding): Json {
  return { check, status, detail, advice: advice ?? null };
}

function printFinding(print: (line: string) => void, { status, check, detail, advice }: Finding): void {
  print(`${status.padEnd(4)}  ${check.padEnd(13)}  ${printable(detail)}`);
  if (advice !== undefined) print(`${' '.repeat(21)}${printable(advice)}`);
}
