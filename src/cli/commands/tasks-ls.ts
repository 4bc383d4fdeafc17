// `berth tasks ls`: every task of the namespace.
import { jsonFromTimestamp } from '../json-value.js';
import { listTasks, taskId } from '../records.js';
import type { CommandDefinition } from '../session.js';
import { statusName } from '../task-status.js';

const help = `
JSON: an array of {id, pid, status, terminal, exitCode, exitedAt}; exitCode and exitedAt are null while it runs.

Examples:
  berth tasks ls
  berth -n k8s.io tasks ls -o json`;

export const tasksLs: CommandDefinition = (command, session) => {
  command.addHelpText('after', help).action(async () => {
    const tasks = await listTasks(await session.connect());
    const rows = tasks.map((task) => {
      const status = statusName(task.status);
      const stopped = status === 'stopped';
      return {
        id: taskId(task),
        pid: task.pid,
        status,
        terminal: task.terminal,
        exitCode: stopped ? task.exitStatus : null,
        exitedAt: stopped ? jsonFromTimestamp(task.exitedAt) : null,
      };
    });
    if (session.wantsJson) return session.printJson(rows);
    const cells = rows.map(({ id, pid, status, exitCode }) => [id, String(pid), status, String(exitCode ?? '')]);
    await session.printTable(['ID', 'PID', 'STATUS', 'EXIT'], cells);
  });
};
