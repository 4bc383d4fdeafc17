// Lets the runtime make a process and takes it over: pid file, console, stdio, and the watch for its end, in the one order
// in which no exit and no byte is lost.
import { readFileSync, rmSync } from 'node:fs';
import { failpoint } from '../src/base/failpoint.js';
import { BerthError } from '../src/domain/errors.js';
import type { ContainerProcess } from './container-process.js';
import type { Reaper } from './reaper.js';
import { forgetPipeInodes, savePipeInodes } from './stdio/pipe-inodes.js';
import type { ProcessIo } from './stdio/process-io.js';

export interface Birth {
  readonly process: ContainerProcess;
  readonly io: ProcessIo;
  /** Relative to the bundle; removed again. */
  readonly pidFile: string;
  /** Calls the runtime, which is started when this returns. */
  readonly make: () => Promise<void>;
  /** What is to be done before the process's end can be told. */
  readonly meanwhile?: () => void;
  /** Called before an end can be told. */
  readonly onBorn: () => void;
}

/** On failure the stdio is closed; a process that the runtime did make is the caller's to remove. */
export async function bringUp(reaper: Reaper, birth: Birth): Promise<void> {
  const { process, io, pidFile } = birth;
  try {
    await io.prepare();
    await reaper.duringBirth(async () => {
      const making = birth.make();
      try {
        // The runtime has been started by now, and there is time.
        savePipeInodes(process.names, io.inodes);
        birth.meanwhile?.();
      } finally {
        await making;
      }
      failpoint('shim.process-made');
      const pid = readPid(pidFile);
      await process.attach(pid, io);
      reaper.watch(pid);
      birth.onBorn();
      failpoint('shim.process-watched');
    });
    await io.readersCame();
  } catch (error) {
    io.close();
    forgetPipeInodes(process.names);
    throw error;
  } finally {
    rmSync(pidFile, { force: true });
  }
}

function readPid(path: string): number {
  const text = readFileSync(path, 'utf8');
  const pid = Number.parseInt(text, 10);
  if (!(pid > 0)) throw new BerthError('internal', `the runtime wrote no pid but ${JSON.stringify(text)}`);
  return pid;
}
