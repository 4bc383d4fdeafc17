// `berth containers inspect`: all that the daemon keeps of a container, the spec decoded, and its task.
import type { Container } from '../../generated/containerd/services/containers/v1/containers.js';
import type { Process } from '../../generated/containerd/v1/types/task.js';
import { decodeAny } from '../any-types.js';
import { type Json, jsonFromMessage, jsonFromTimestamp } from '../json-value.js';
import { findTask, getContainer } from '../records.js';
import type { CommandDefinition } from '../session.js';
import { statusName } from '../task-status.js';

const help = `
Always JSON: an array of {id, image, labels, runtime: {name, options}, spec, snapshotter, snapshotKey, sandbox,
createdAt, updatedAt, extensions, task: {pid, status, stdin, stdout, stderr, terminal, exitCode, exitedAt} or null}.

Examples:
  berth containers inspect web
  berth containers inspect web | jq '.[0].spec.process.args'`;

export const containersInspect: CommandDefinition = (command, session) => {
  command
    .argument('<id...>', 'containers')
    .addHelpText('after', help)
    .action(async (ids: string[]) => {
      const connection = await session.connect();
      const found = ids.map(async (id) => {
        const container = await getContainer(connection, id);
        return container === undefined ? null : jsonOf(container, await findTask(connection, id));
      });
      session.printJson(await Promise.all(found));
    });
};

function jsonOf(container: Container, task: Process | undefined): Json {
  const { id, image, labels, runtime, spec, snapshotter, snapshotKey, sandbox, extensions } = container;
  return {
    id,
    image,
    labels,
    runtime: { name: runtime?.name ?? '', options: jsonFromMessage(runtime?.options) },
    spec: spec === undefined ? null : jsonFromMessage(decodeAny(spec)),
    snapshotter,
    snapshotKey,
    sandbox,
    createdAt: jsonFromTimestamp(container.createdAt),
    updatedAt: jsonFromTimestamp(container.updatedAt),
    extensions: jsonFromMessage(extensions),
    task: task === undefined ? null : taskJson(task),
  };
}

function taskJson(task: Process): Json {
  const { pid, stdin, stdout, stderr, terminal } = task;
  const status = statusName(task.status);
  const exitCode = status === 'stopped' ? task.exitStatus : null;
  return { pid, status, stdin, stdout, stderr, terminal, exitCode, exitedAt: jsonFromTimestamp(task.exitedAt) };
}
