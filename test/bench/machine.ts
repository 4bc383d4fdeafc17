// The machine and the programs that a result was measured with.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../helpers/daemon.js';

export interface Machine {
  readonly system: string;
  readonly kernel: string;
  readonly processors: string;
  readonly memory: string;
  readonly node: string;
  readonly berth: string;
  readonly containerd: string;
  readonly runc: string;
}

export function describeMachine(): Machine {
  const model = cpus()[0]?.model ?? 'unknown';
  return {
    system: /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux',
    kernel: release(),
    processors: `${cpus().length} × ${model}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    berth: firstLine('git', ['-C', projectRoot, 'describe', '--always', '--dirty']),
    // 'containerd github.com/containerd/containerd 1.6.20~ds1 ...' and 'runc version 1.1.5+ds1'.
    containerd: `containerd ${firstLine('containerd', ['--version']).split(' ')[2] ?? 'unknown'}`,
    runc: `runc ${firstLine('runc', ['--version']).split(' ')[2] ?? 'unknown'}`,
  };
}

export function machineText({ system, kernel, processors, memory, node, containerd, runc }: Machine): string {
  return `${processors}, ${memory}, ${system}, Linux ${kernel}, Node ${node}, ${containerd}, ${runc}`;
}

function firstLine(file: string, args: readonly string[]): string {
  return spawnSync(file, args, { encoding: 'utf8', cwd: join(projectRoot) }).stdout?.split('\n')[0] ?? '';
}
