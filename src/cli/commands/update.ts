// `berth update`: other limits for running containers.
import { TasksService } from '../../generated/containerd/services/tasks/v1/tasks.js';
import { jsonAny } from '../any-types.js';
import { UsageError } from '../cli-error.js';
import { forEachId } from '../each-id.js';
import { parseBytes } from '../parse/bytes.js';
import { parseDecimal, parseInteger } from '../parse/number.js';
import type { CommandDefinition } from '../session.js';

const help = `
What is not named stays as it is. A limit of memory below what the container uses is refused by the kernel.

Examples:
  berth update --memory 128m web
  berth update --cpus 0.5 --pids-limit 100 web worker
  berth update --cpuset-cpus 0-1 --cpu-shares 512 web`;

const resourcesUrl = 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources';
/** Microseconds; the kernel's default for cpu.cfs_period_us. */
const cpuPeriodMicros = 100_000;

interface Options {
  readonly memory?: number;
  readonly memorySwap?: number;
  readonly cpus?: number;
  readonly cpuShares?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly pidsLimit?: number;
  readonly blkioWeight?: number;
}

export const update: CommandDefinition = (command, session) => {
  command
    .argument('<id...>', 'containers')
    .option('-m, --memory <size>', 'limit of memory, such as 64m', (text) => parseBytes('memory', text))
    .option('--memory-swap <size>', 'limit of memory and swap together', (text) => parseBytes('memory swap', text))
    .option('--cpus <number>', 'limit of processors, such as 1.5', (text) => parseDecimal('cpus', text))
    .option('--cpu-shares <number>', 'weight against other containers', (text) => parseInteger('cpu shares', text, 2))
    .option('--cpuset-cpus <list>', 'processors to run on, such as 0-2,4')
    .option('--cpuset-mems <list>', 'memory nodes to use')
    .option('--pids-limit <number>', 'limit of processes', (text) => parseInteger('pids limit', text, -1))
    .option('--blkio-weight <number>', 'weight of disk access', (text) => parseInteger('blkio weight', text, 10))
    .addHelpText('after', help)
    .action(async (ids: string[], options: Options) => {
      const value = resourcesFrom(options);
      if (Object.keys(value).length === 0) throw new UsageError('nothing to update: name at least one limit');
      const connection = await session.connect();
      await forEachId(session, ids, async (containerId) => {
        const resources = jsonAny(resourcesUrl, value);
        await connection.unary(TasksService.update, { containerId, resources, annotations: {} });
      });
    });
};

/** OCI LinuxResources with what was named, and nothing else. */
function resourcesFrom(options: Options): object {
  const { memory: limit, memorySwap: swap, cpus, cpuShares: shares, pidsLimit, blkioWeight } = options;
  const quota = cpus === undefined ? undefined : Math.round(cpus * cpuPeriodMicros);
  const period = cpus === undefined ? undefined : cpuPeriodMicros;
  return withoutEmpty({
    memory: withoutEmpty({ limit, swap }),
    cpu: withoutEmpty({ quota, period, shares, cpus: options.cpusetCpus, mems: options.cpusetMems }),
    pids: withoutEmpty({ limit: pidsLimit }),
    blockIO: withoutEmpty({ weight: blkioWeight }),
  });
}

function withoutEmpty(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
