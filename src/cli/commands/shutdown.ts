// `berth shutdown`: ends the daemon in order.
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError, isBerthError } from '../../domain/errors.js';
import { MaintenanceService } from '../../generated/berth/v1/maintenance.js';
import { IntrospectionService } from '../../generated/containerd/services/introspection/v1/introspection.js';
import type { Connection } from '../connection.js';
import { parseDuration } from '../parse/duration.js';
import type { CommandDefinition } from '../session.js';

const help = `
Containers go on running without the daemon, unless --stop-containers: then each gets SIGTERM, in all namespaces, and
SIGKILL once the timeout has passed. Returns when the daemon has gone, or another has taken its place.

JSON: {stoppedContainers}.

Examples:
  berth shutdown
  berth shutdown --stop-containers --timeout 30s`;

const defaultTimeout = '10s';
/** A daemon that still answers by then hangs. */
const endLimitMs = 30_000;
const endIntervalMs = 50;

interface Options {
  readonly stopContainers?: boolean;
  readonly timeout?: number;
}

export const shutdown: CommandDefinition = (command, session) => {
  command
    .option('--stop-containers', 'stop every container first')
    .option('--timeout <time>', `wait that long before SIGKILL (default: ${defaultTimeout})`, parseTimeout)
    .addHelpText('after', help)
    .action(async ({ stopContainers = false, timeout = parseTimeout(defaultTimeout) }: Options) => {
      const connection = await session.connect();
      const pid = await daemonPid(connection);
      const seconds = BigInt(Math.floor(timeout / 1000));
      const request = { stopContainers, timeout: { seconds, nanos: Math.floor(timeout % 1000) * 1_000_000 } };
      const { stoppedContainers } = await connection.unary(MaintenanceService.shutdown, request, { endless: true });
      await untilGone(connection, pid);
      if (session.wantsJson) session.printJson({ stoppedContainers });
      else if (stopContainers) session.printLine(`berthd has ended; containers stopped before: ${stoppedContainers}`);
      else session.printLine('berthd has ended');
    });
};

function parseTimeout(text: string): number {
  return parseDuration('timeout', text);
}

async function daemonPid(connection: Connection): Promise<bigint> {
  return (await connection.unary(IntrospectionService.server, {})).pid;
}

async function untilGone(connection: Connection, pid: bigint): Promise<void> {
  const end = performance.now() + endLimitMs;
  while (performance.now() < end) {
    try {
      if ((await daemonPid(connection)) !== pid) return;
    } catch (error) {
      if (isBerthError(error, 'unavailable')) return;
      throw error;
    }
    await sleep(endIntervalMs);
  }
  throw new BerthError(
    'deadline-exceeded',
    `berthd (pid ${pid}) still answers ${endLimitMs / 1000} s after its shutdown`,
  );
}
