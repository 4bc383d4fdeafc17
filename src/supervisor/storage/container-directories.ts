// A container's own directories: ROOT/containers/NAMESPACE/ID is kept over reboots, STATE/containers/NAMESPACE/ID is of
// this boot. They are made when somebody asks for them, and go with the container.
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../base/atomic-file.js';
import { directoriesIn } from '../../base/directories-in.js';
import { isBerthError } from '../../domain/errors.js';
import { type ContainerKey, isValidId, keyString } from '../../domain/ids.js';
import { getContainer } from '../get-container.js';
import type { Supervisor } from '../supervisor.js';

export interface ContainerDirectories {
  readonly work: string;
  readonly run: string;
}

/** What others have put into one may be secret. */
const directoryMode = 0o700;
/** No id begins with a dot. */
const removedPrefix = '.removed-';

export function haveDirectories(supervisor: Supervisor, key: ContainerKey): Promise<ContainerDirectories> {
  return supervisor.queue.run(keyString(key), async () => {
    await getContainer(supervisor, key);
    const [work, run] = directoriesOf(supervisor, key);
    await mkdir(work, { recursive: true, mode: directoryMode });
    await syncDirectory(join(work, '..'));
    await mkdir(run, { recursive: true, mode: directoryMode });
    return { work, run };
  });
}

/** In one step they are gone; what is in them is removed beside other work. In the container's queue. */
export async function removeDirectories(supervisor: Supervisor, key: ContainerKey): Promise<void> {
  for (const path of directoriesOf(supervisor, key)) await removeDirectory(supervisor, path);
}

export async function removeDirectory(supervisor: Supervisor, path: string): Promise<void> {
  const doomed = join(path, '..', `${removedPrefix}${process.hrtime.bigint()}`);
  try {
    await rename(path, doomed);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  removeInBackground(supervisor, doomed);
}

function removeInBackground({ layers, log }: Supervisor, path: string): void {
  layers.removeTree(path).catch((error: unknown) => {
    // The daemon stops: the next start goes on with it.
    if (isBerthError(error, 'cancelled') || isBerthError(error, 'unavailable')) return;
    log.warn('a directory of a container that is gone could not be removed', { path, error });
  });
}

export interface FoundDirectory {
  readonly key: ContainerKey;
  readonly path: string;
}

/** Every work and run directory there is, whoever it belongs to. */
export async function listContainerDirectories(supervisor: Supervisor): Promise<FoundDirectory[]> {
  const found: FoundDirectory[] = [];
  for (const root of rootsOf(supervisor)) {
    for (const namespace of await directoriesIn(root)) {
      for (const id of await directoriesIn(join(root, namespace))) {
        if (isValidId(id)) found.push({ key: { namespace, id }, path: join(root, namespace, id) });
      }
    }
  }
  return found;
}

/** At the daemon's start: finishes removals, and removes what belongs to no container. */
export async function sweepDirectories(supervisor: Supervisor): Promise<void> {
  for (const root of rootsOf(supervisor)) {
    for (const namespace of await directoriesIn(root)) {
      for (const name of await directoriesIn(join(root, namespace))) {
        if (name.startsWith(removedPrefix)) removeInBackground(supervisor, join(root, namespace, name));
      }
    }
  }
  for (const { key, path } of await listContainerDirectories(supervisor)) {
    if ((await supervisor.store.containers.get(key)) !== undefined) continue;
    supervisor.log.info('removing a directory whose container is gone', { path });
    await removeDirectory(supervisor, path);
  }
}

/** After a reboot: what was there of the boot before goes. */
export async function removeRunDirectories({ stateDirectory }: Supervisor): Promise<void> {
  await rm(runRoot(stateDirectory), { recursive: true, force: true });
}

function directoriesOf(supervisor: Supervisor, { namespace, id }: ContainerKey): readonly [string, string] {
  const { containersDirectory, stateDirectory } = supervisor;
  return [join(containersDirectory, namespace, id), join(runRoot(stateDirectory), namespace, id)];
}

function rootsOf({ containersDirectory, stateDirectory }: Supervisor): string[] {
  return [containersDirectory, runRoot(stateDirectory)];
}

function runRoot(stateDirectory: string): string {
  return join(stateDirectory, 'containers');
}
