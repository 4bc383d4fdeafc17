// Whether the directories in which the daemon keeps things take writes: tried now, the way things are written there.
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../domain/errors.js';
import type { Supervisor } from './supervisor.js';

export interface DirectoryHealth {
  readonly name: 'root' | 'state';
  readonly path: string;
  /** Empty where it takes writes. */
  readonly failure: string;
}

/** What a small file takes at least, of whatever file system. */
const probe = Buffer.alloc(4096);

export async function storageHealth(supervisor: Supervisor): Promise<DirectoryHealth[]> {
  const { rootDirectory, stateDirectory, store } = supervisor;
  return [
    // An empty commit is written and synced as every other is, and opens records again whose last write had failed.
    { name: 'root', path: rootDirectory, failure: await failureOf(store.commit([])) },
    { name: 'state', path: stateDirectory, failure: await failureOf(writeProbe(stateDirectory)) },
  ];
}

async function writeProbe(directory: string): Promise<void> {
  const path = join(directory, 'probe');
  try {
    await writeFile(path, probe, { mode: 0o600, flush: true });
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return '';
  } catch (error) {
    return messageOf(error);
  }
}
