// (6) How fast a container's stdout comes through the client's FIFO.
import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { makeFifo } from '../../src/linux/pipe.js';
import { createContainer, createTask, removeContainer, startTask } from '../helpers/containers.js';
import type { TestDaemon } from '../helpers/daemon.js';
import { startProgram } from '../helpers/program.js';
import { type Benchmark, compare, withDaemons } from './context.js';

const fifoMode = 0o600;
const megabyte = 1_000_000;

export const stdout: Benchmark = {
  name: 'stdout',
  title: "a container's stdout through the client's FIFO",
  run: async (context) =>
    await withDaemons(async (daemons) => {
      const blocks = context.size(8192, 1024);
      const work = async (daemon: TestDaemon, round: number) =>
        await throughContainer(daemon, `o${round + 1000}`, blocks);
      const bare = daemons.berth.path('bare');
      mkdirSync(bare);
      const floor = {
        name: 'dd straight into the FIFO',
        work: async () => await throughFifo(bare, async (fifo) => await straight(fifo, blocks)),
      };
      const figures = await compare(context, { usual: 7, warmUps: 1 }, daemons, work, floor);
      return [{ group: '6', name: 'stdout through a FIFO', unit: 'MB/s', target: { ratio: 1 }, ...figures }];
    }),
};

function ddArguments(blocks: number): string[] {
  return ['if=/dev/zero', 'bs=65536', `count=${blocks}`];
}

async function throughContainer(daemon: TestDaemon, id: string, blocks: number): Promise<number> {
  const directory = daemon.path('fifo', id);
  mkdirSync(directory);
  // containerd's shim takes one output only together with the other, and waits for its reader.
  const stderr = join(directory, 'stderr');
  makeFifo(stderr, fifoMode);
  const stderrReader = openSync(stderr, constants.O_RDONLY | constants.O_NONBLOCK);
  await createContainer(daemon, id, ['/bin/dd', ...ddArguments(blocks)]);
  try {
    return await throughFifo(directory, async (fifo) => {
      await createTask(daemon, id, { stdout: fifo, stderr });
      const exit = daemon.call(TasksService.wait, { containerId: id, execId: '' });
      await startTask(daemon, id);
      await exit;
    });
  } finally {
    closeSync(stderrReader);
    await removeContainer(daemon, id);
  }
}

/** Megabytes per second that a reader of the FIFO gets while `write` fills it. */
async function throughFifo(directory: string, write: (fifo: string) => Promise<void>): Promise<number> {
  const fifo = join(directory, `stdout-${fifos++}`);
  makeFifo(fifo, fifoMode);
  const reader = startProgram(process.execPath, [join(import.meta.dirname, 'fifo-reader.js'), fifo]);
  await write(fifo);
  const { bytes, milliseconds } = JSON.parse((await reader.result()).stdout);
  return bytes / megabyte / (milliseconds / 1000);
}

let fifos = 0;

async function straight(fifo: string, blocks: number): Promise<void> {
  const child = spawn('busybox', ['dd', ...ddArguments(blocks), `of=${fifo}`], { stdio: 'ignore' });
  await once(child, 'exit');
}
