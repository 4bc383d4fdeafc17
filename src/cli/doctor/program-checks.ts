// The programs that Berth starts: the OCI runtime, and CRIU for checkpoints. And the Node that runs it.
import { execa } from 'execa';
import { fail, type Finding, ok, warn } from './finding.js';

/** A program that does not print its version by then hangs. */
const programLimitMs = 10_000;
/** Of package.json's engines. */
const oldestNode = { major: 20, minor: 19 };

export async function checkRuntime(runtime: string): Promise<Finding[]> {
  const { output, failed, missing } = await runProgram(runtime, ['--version']);
  if (missing) return [fail('runtime', `${runtime} is not on PATH`, `install it: apt-get install ${runtime}`)];
  if (failed) return [fail('runtime', `${runtime} --version: ${output}`, `see that ${runtime} works`)];
  return [ok('runtime', output.split('\n', 1)[0] ?? runtime)];
}

export async function checkCriu(): Promise<Finding[]> {
  const version = await runProgram('criu', ['--version']);
  const need = 'needed for checkpoint and restore only';
  if (version.missing) return [warn('criu', 'criu is not on PATH', `apt-get install criu; ${need}`)];
  const number = /Version: *(\S+)/.exec(version.output)?.[1] ?? 'of an unknown version';
  const check = await runProgram('criu', ['check']);
  if (!check.failed) return [ok('criu', `criu ${number}; 'criu check' finds nothing amiss`)];
  // The first line is the cause, what follows are its consequences.
  const [reason = ''] = check.output.split('\n');
  return [warn('criu', `criu ${number}: ${reason}`, `use a CRIU that fits this kernel, as root; ${need}`)];
}

export function checkNode(version: string): Finding[] {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const isOld = major < oldestNode.major || (major === oldestNode.major && minor < oldestNode.minor);
  const oldest = `${oldestNode.major}.${oldestNode.minor}`;
  return [isOld ? fail('node', version, `Berth needs Node ${oldest} or newer`) : ok('node', version)];
}

async function runProgram(file: string, args: readonly string[]) {
  const result = await execa(file, args, { reject: false, timeout: programLimitMs, stdin: 'ignore', all: true });
  const missing = result.code === 'ENOENT';
  const printed = result.all?.trim() ?? '';
  const output = printed === '' && result.failed ? (result.shortMessage ?? '') : printed;
  return { output, failed: result.failed, missing };
}
