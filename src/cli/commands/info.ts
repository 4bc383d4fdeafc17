// `berth info`: who the daemon is, and how much it holds.
import { ContainersService } from '../../generated/containerd/services/containers/v1/containers.js';
import {
  IntrospectionService,
  type Plugin,
} from '../../generated/containerd/services/introspection/v1/introspection.js';
import { NamespacesService } from '../../generated/containerd/services/namespaces/v1/namespace.js';
import { TasksService } from '../../generated/containerd/services/tasks/v1/tasks.js';
import { VersionService } from '../../generated/containerd/services/version/v1/version.js';
import type { Connection } from '../connection.js';
import { isTcp, socketPath } from '../endpoint.js';
import { jsonFromMessage } from '../json-value.js';
import type { CommandDefinition } from '../session.js';
import { type StatusName, statusName } from '../task-status.js';

const help = `
Containers and tasks are counted in the namespace.

JSON: {address, version, revision, uuid, pid, namespaces, namespace, containers, tasks: {STATUS: count},
plugins: [{type, id, exports, error}]}; exports holds the paths that a plugin tells of, error is null where it works.

Examples:
  berth info
  berth info -o json | jq .uuid`;

export const info: CommandDefinition = (command, session) => {
  command.addHelpText('after', help).action(async () => {
    const { address, namespace } = session.globals;
    const connection = await session.connect();
    const facts = {
      address: isTcp(address) ? address : socketPath(address),
      namespace,
      ...(await readFacts(connection)),
    };
    if (session.wantsJson) return session.printJson(facts);
    const taskCounts = Object.entries(facts.tasks).map(([status, count]) => `${count} ${status}`);
    const paths = facts.plugins.flatMap(({ type, id, exports }) =>
      Object.entries(exports).map(([name, value]) => [`${type}.${id} ${name}`, value]),
    );
    await session.printTable(
      ['WHAT', 'VALUE'],
      [
        ['Address', facts.address],
        ['Version', `${facts.version} ${facts.revision}`.trimEnd()],
        ['UUID', facts.uuid],
        ['PID', String(facts.pid ?? '')],
        ['Namespaces', String(facts.namespaces)],
        [`Containers in ${namespace}`, String(facts.containers)],
        [`Tasks in ${namespace}`, taskCounts.join(', ') || '0'],
        ['Plugins', String(facts.plugins.length)],
        ...paths,
      ],
    );
  });
};

async function readFacts(connection: Connection) {
  const [version, server, plugins, namespaces, containers, tasks] = await Promise.all([
    connection.unary(VersionService.version, {}),
    connection.unary(IntrospectionService.server, {}),
    connection.unary(IntrospectionService.plugins, { filters: [] }),
    connection.unary(NamespacesService.list, { filter: '' }),
    connection.unary(ContainersService.list, { filters: [] }),
    connection.unary(TasksService.list, { filter: '' }),
  ]);
  return {
    version: version.version,
    revision: version.revision,
    uuid: server.uuid,
    // containerd 1.6 does not tell.
    pid: server.pid === 0n ? null : Number(server.pid),
    namespaces: namespaces.namespaces.length,
    containers: containers.containers.length,
    tasks: countBy(tasks.tasks.map(({ status }) => statusName(status))),
    plugins: plugins.plugins.map(pluginFacts),
  };
}

function pluginFacts({ type, id, exports, initErr }: Plugin) {
  const error = initErr === undefined ? null : String((jsonFromMessage(initErr) as { message?: string }).message);
  return { type, id, exports, error };
}

function countBy(statuses: readonly StatusName[]): Partial<Record<StatusName, number>> {
  const counts: Partial<Record<StatusName, number>> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
