// `berth top`: the processes in a container, as ps shows them.
import { IntrospectionService } from '../../generated/containerd/services/introspection/v1/introspection.js';
import { TasksService } from '../../generated/containerd/services/tasks/v1/tasks.js';
import type { ProcessInfo } from '../../generated/containerd/v1/types/task.js';
import { decodeAny } from '../any-types.js';
import { isOurPidNamespace, readProcessFacts, readUsers, type ProcessFacts } from '../process-facts.js';
import type { CommandDefinition } from '../session.js';

const help = `
Pids and users are the host's. EXEC is the exec's id where 'berth exec' started the process. TIME is what it has used
of a processor. Where berthd is in another pid namespace than berth, only PID and EXEC are known.

JSON: an array of {pid, ppid, user, cpuSeconds, state, execId, command}; null where there is no such thing.

Examples:
  berth top web
  berth top web -o json | jq '.[].pid'`;

const headers = ['PID', 'PPID', 'USER', 'STAT', 'TIME', 'EXEC', 'COMMAND'];

interface Row extends Partial<ProcessFacts> {
  readonly pid: number;
  readonly execId: string | undefined;
}

export const top: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .addHelpText('after', help)
    .action(async (containerId: string) => {
      const connection = await session.connect();
      const { processes } = await connection.unary(TasksService.listPids, { containerId });
      const { pidns } = await connection.unary(IntrospectionService.server, {});
      const rows = (await isOurPidNamespace(pidns)) ? await withFacts(processes) : processes.map(rowOf);
      if (session.wantsJson) session.printJson(rows.map(jsonOf));
      else await session.printTable(headers, rows.map(cellsOf));
    });
};

/** Without those that have ended since they were listed. */
async function withFacts(processes: readonly ProcessInfo[]): Promise<Row[]> {
  const users = await readUsers();
  const rows = await Promise.all(
    processes.map(async (info) => {
      const facts = await readProcessFacts(info.pid, users);
      return facts === undefined ? undefined : { ...rowOf(info), ...facts };
    }),
  );
  return rows.filter((row) => row !== undefined);
}

function rowOf(info: ProcessInfo): Row {
  const details: unknown = info.info === undefined ? undefined : decodeAny(info.info);
  const named = typeof details === 'object' && details !== null && 'execId' in details ? details.execId : undefined;
  return { pid: info.pid, execId: typeof named === 'string' && named !== '' ? named : undefined };
}

function jsonOf({ pid, ppid, user, cpuSeconds, state, execId, command }: Row) {
  return {
    pid,
    ppid: ppid ?? null,
    user: user ?? null,
    cpuSeconds: cpuSeconds ?? null,
    state: state ?? null,
    execId: execId ?? null,
    command: command ?? null,
  };
}

function cellsOf({ pid, ppid, user, cpuSeconds, state, execId, command }: Row): string[] {
  const time = cpuSeconds === undefined ? '' : timeText(cpuSeconds);
  return [String(pid), String(ppid ?? ''), user ?? '', state ?? '', time, execId ?? '', command ?? ''];
}

/** Minutes, seconds and hundredths, as top has it. */
function timeText(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(2).padStart(5, '0')}`;
}
