// Where a checkpoint lies: ROOT/checkpoints/NAMESPACE/CONTAINER/NAME with the image and what is known of it. Under its own
// name it is complete; one that is being made or removed has another.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncDirectory, writeFileAtomically } from '../../base/atomic-file.js';
import { directoriesIn } from '../../base/directories-in.js';
import type { CheckpointPlan, CheckpointRecord } from '../../domain/checkpoint-record.js';
import { decodeRecord, encodeRecord } from '../../store/codec.js';

/** What is in memory may be secret. */
const directoryMode = 0o700;
const imageName = 'image';
const planFile = 'checkpoint.json';
/** CRIU's table of contents, which the shim puts in place last. */
const inventoryFile = 'inventory.img';
const newPrefix = '.new-';
/** Above the namespaces: where a dump waits to be stored elsewhere. No namespace begins so. */
export const scratchPrefix = '.scratch-';
const removedPrefix = '.removed-';
/** A writer that is just ending may add a file to what is being removed. */
const removalRetries = 20;

export type CheckpointPlace = Pick<CheckpointPlan, 'namespace' | 'containerId' | 'name'>;

export function checkpointPath(root: string, { namespace, containerId, name }: CheckpointPlace): string {
  return join(root, namespace, containerId, name);
}

/** The image inside a checkpoint's directory. */
export function imagePath(directory: string): string {
  return join(directory, imageName);
}

/** Whether the image inside came whole. */
export function isWhole(directory: string): boolean {
  return existsSync(join(imagePath(directory), inventoryFile));
}

/** The directory while it is being made. */
export function newPath(root: string, place: CheckpointPlace): string {
  return checkpointPath(root, { ...place, name: newPrefix + place.name });
}

/** An empty directory that already says what it is to hold. */
export async function beginDirectory(root: string, plan: CheckpointPlan): Promise<string> {
  const path = newPath(root, plan);
  await mkdir(path, { recursive: true, mode: directoryMode });
  await writeFileAtomically(join(path, planFile), encodeRecord(plan));
  return path;
}

/** From here on the checkpoint is there, whole and lasting. */
export async function publishDirectory(root: string, record: CheckpointRecord): Promise<void> {
  const path = newPath(root, record);
  await writeFileAtomically(join(path, planFile), encodeRecord(record));
  await rename(path, checkpointPath(root, record));
  await syncDirectory(dirname(path));
}

/** In one step it is no checkpoint any more; then its files go. */
export async function removeDirectory(path: string): Promise<void> {
  const doomed = join(dirname(path), `${removedPrefix}${basename(path)}`);
  await rm(doomed, { recursive: true, force: true, maxRetries: removalRetries });
  try {
    await rename(path, doomed);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  await rm(doomed, { recursive: true, force: true, maxRetries: removalRetries });
}

export interface FoundDirectory {
  readonly path: string;
  readonly state: 'new' | 'complete' | 'removed';
  readonly plan: CheckpointPlan | CheckpointRecord | undefined;
}

/** Every directory there is, in whatever state a crash has left it. */
export async function* listDirectories(root: string): AsyncGenerator<FoundDirectory, void, undefined> {
  for (const namespace of await directoriesIn(root)) {
    if (namespace.startsWith(scratchPrefix)) {
      yield { path: join(root, namespace), state: 'removed', plan: undefined };
      continue;
    }
    for (const container of await directoriesIn(join(root, namespace))) {
      for (const name of await directoriesIn(join(root, namespace, container))) {
        const path = join(root, namespace, container, name);
        yield { path, state: stateOf(name), plan: await readPlan(path) };
      }
    }
  }
}

function stateOf(name: string): FoundDirectory['state'] {
  if (name.startsWith(newPrefix)) return 'new';
  return name.startsWith(removedPrefix) ? 'removed' : 'complete';
}

/** What the directory says of itself; undefined where it does not, so that nothing can be made of it. */
export async function readPlan(path: string): Promise<CheckpointPlan | CheckpointRecord | undefined> {
  try {
    return decodeRecord(await readFile(join(path, planFile), 'utf8')) as CheckpointPlan | CheckpointRecord;
  } catch {
    return undefined;
  }
}
