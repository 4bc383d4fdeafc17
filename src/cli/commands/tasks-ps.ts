// `berth tasks ps`: the processes in a container, as the host numbers them.
import { readFile } from 'node:fs/promises';
import { TasksService } from '../../generated/containerd/services/tasks/v1/tasks.js';
import type { ProcessInfo } from '../../generated/containerd/v1/types/task.js';
import { decodeAny } from '../any-types.js';
import type { CommandDefinition } from '../session.js';

const help = `
EXEC is the exec's id where the process was started by 'berth exec'. COMMAND is empty where /proc does not show it.

JSON: an array of {pid, execId, command}; execId and command are null where there is none.

Examples:
  berth tasks ps web`;

export const tasksPs: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .addHelpText('after', help)
    .action(async (containerId: string) => {
      const connection = await session.connect();
      const { processes } = await connection.unary(TasksService.listPids, { containerId });
      const rows = await Promise.all(processes.map(rowOf));
      if (session.wantsJson) return session.printJson(rows);
      const cells = rows.map(({ pid, execId, command }) => [String(pid), execId ?? '', command ?? '']);
      await session.printTable(['PID', 'EXEC', 'COMMAND'], cells);
    });
};

async function rowOf(info: ProcessInfo): Promise<{ pid: number; execId: string | null; command: string | null }> {
  return { pid: info.pid, execId: execIdOf(info), command: await commandOf(info.pid) };
}

function execIdOf(info: ProcessInfo): string | null {
  const details: unknown = info.info === undefined ? undefined : decodeAny(info.info);
  if (typeof details !== 'object' || details === null || !('execId' in details)) return null;
  return typeof details.execId === 'string' && details.execId !== '' ? details.execId : null;
}

/** The pids are those of this host's /proc as long as berthd is not in another pid namespace. */
async function commandOf(pid: number): Promise<string | null> {
  try {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    return line === '' ? null : line.replace(/\0$/, '').replaceAll('\0', ' ');
  } catch {
    return null;
  }
}
