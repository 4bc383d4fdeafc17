// `berth ps`: containers and how their tasks are.
import { formatAge } from '../age.js';
import { jsonFromTimestamp } from '../json-value.js';
import { listContainers, listTasks, specOf, taskId } from '../records.js';
import type { CommandDefinition } from '../session.js';
import { shorten } from '../table.js';
import { type StatusName, statusName } from '../task-status.js';
import type { Container } from '../../generated/containerd/services/containers/v1/containers.js';
import type { Process } from '../../generated/containerd/v1/types/task.js';

const help = `
STATUS is created, running, pausing, paused or stopped; a container without a task has none (-).

JSON: an array of {id, image, command, status, pid, exitCode, exitedAt, createdAt, runtime, labels}; status, pid,
exitCode and exitedAt are null where there is no such thing.

Examples:
  berth ps -a
  berth ps -a --filter 'labels.role==web'`;

const headers = ['ID', 'IMAGE', 'COMMAND', 'STATUS', 'PID', 'AGE', 'EXIT'];
const maxCommandWidth = 40;

type Row = {
  readonly id: string;
  readonly image: string;
  readonly command: string[];
  readonly status: StatusName | null;
  readonly pid: number | null;
  readonly exitCode: number | null;
  readonly exitedAt: string | null;
  readonly createdAt: string | null;
  readonly runtime: string;
  readonly labels: Record<string, string>;
};

export const ps: CommandDefinition = (command, session) => {
  command
    .option('-a, --all', 'also containers that are stopped or have no task')
    .option('-q, --quiet', 'only ids')
    .option('-f, --filter <filter...>', "containerd's filters over the container records; any one selects")
    .addHelpText('after', help)
    .action(async (options: { readonly all?: boolean; readonly quiet?: boolean; readonly filter?: string[] }) => {
      const connection = await session.connect();
      const [containers, tasks] = await Promise.all([
        listContainers(connection, options.filter),
        listTasks(connection),
      ]);
      const rows = containerRows(containers, tasks).filter((row) => options.all === true || isAlive(row));
      if (options.quiet === true) for (const row of rows) session.printId(row.id);
      else if (session.wantsJson) session.printJson(rows);
      else await session.printTable(headers, rows.map(cellsOf));
    });
};

function containerRows(containers: readonly Container[], tasks: readonly Process[]): Row[] {
  const taskOf = new Map(tasks.map((task) => [taskId(task), task]));
  return containers.map((container) => rowOf(container, taskOf.get(container.id)));
}

function rowOf(container: Container, task: Process | undefined): Row {
  const status = task === undefined ? null : statusName(task.status);
  const stopped = status === 'stopped';
  return {
    id: container.id,
    image: container.image,
    command: [...(specOf(container)?.process?.args ?? [])],
    status,
    pid: task === undefined || stopped ? null : task.pid,
    exitCode: task !== undefined && stopped ? task.exitStatus : null,
    exitedAt: stopped ? jsonFromTimestamp(task?.exitedAt) : null,
    createdAt: jsonFromTimestamp(container.createdAt),
    runtime: container.runtime?.name ?? '',
    labels: container.labels,
  };
}

function isAlive(row: Row): boolean {
  return row.status !== null && row.status !== 'stopped';
}

function cellsOf(row: Row): string[] {
  return [
    row.id,
    row.image,
    shorten(row.command.join(' '), maxCommandWidth),
    row.status ?? '',
    String(row.pid ?? ''),
    row.createdAt === null ? '' : formatAge((Date.now() - Date.parse(row.createdAt)) / 1000),
    String(row.exitCode ?? ''),
  ];
}
