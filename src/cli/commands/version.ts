// `berth version`: the versions of this program and of the daemon.
import { readPackageVersion } from '../package-files.js';
import type { CommandDefinition } from '../session.js';

const help = `
JSON: {client: {version, node}, server: {version, revision} or null with --client}.

Examples:
  berth version
  berth version --client`;

export const version: CommandDefinition = (command, session) => {
  command
    .option('--client', "only this program's version; asks no daemon")
    .addHelpText('after', help)
    .action(async (options: { readonly client?: boolean }) => {
      const client = { version: readPackageVersion(), node: process.version };
      if (!session.wantsJson) session.printLine(`berth   ${client.version} (node ${client.node})`);
      const server = options.client === true ? null : await serverVersion();
      if (session.wantsJson) session.printJson({ client, server });
      else if (server !== null) session.printLine(`berthd  ${server.version} ${server.revision}`.trimEnd());
    });

  async function serverVersion(): Promise<{ version: string; revision: string }> {
    const { VersionService } = await import('../../generated/containerd/services/version/v1/version.js');
    const connection = await session.connect();
    const { version, revision } = await connection.unary(VersionService.version, {});
    return { version, revision };
  }
};
