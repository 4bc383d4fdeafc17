// A task's directory under the state directory: the OCI bundle, the shim's socket, its exit journal and its log.
import { lstatSync, mkdirSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { lstat, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Log } from '../base/log.js';
import { directoriesIn } from '../base/directories-in.js';
import { makeDirectory } from '../base/make-directory.js';
import { isMountedBelow, unmountBelow } from '../linux/mount.js';
import { BerthError } from '../domain/errors.js';
import { type ContainerKey, isValidId } from '../domain/ids.js';
import type { RuntimeLocation } from '../domain/records.js';

/** Traversable, so that a container in a user namespace reaches its rootfs, and not listable. */
const bundleMode = 0o711;
/** What a foreign shim has logged; the file before this one has `.1` after its name. */
export const foreignLogFile = 'shim.log';
/** The end of a shim's log that an error message quotes. */
const logTailBytes = 4096;
/** Of a bundle whose removal has begun; no id begins with a dot. Nothing is mounted in it any more. */
const doomedPrefix = '.removed-';
/** Which runtime the container is made with, for whoever finds the bundle without a record. */
const runtimeFile = 'runtime.json';

export function bundlePath(stateDirectory: string, key: ContainerKey): string {
  return join(stateDirectory, 'tasks', key.namespace, key.id);
}

export interface FoundBundle {
  readonly key: ContainerKey;
  readonly bundle: string;
}

/** Every bundle there is, whoever owns it. */
export async function listBundles(stateDirectory: string): Promise<FoundBundle[]> {
  const found: FoundBundle[] = [];
  for (const namespace of await directoriesIn(join(stateDirectory, 'tasks'))) {
    for (const id of await directoriesIn(join(stateDirectory, 'tasks', namespace))) {
      const key = { namespace, id };
      if (isValidId(id)) found.push({ key, bundle: bundlePath(stateDirectory, key) });
    }
  }
  return found;
}

export interface BundleContent {
  /** The OCI spec. */
  readonly spec: Uint8Array;
  readonly runtime: Omit<RuntimeLocation, 'options'>;
}

/** Where the runtime keeps the state of the bundle's container; undefined when that was not written down. */
export async function bundleRuntime(path: string): Promise<BundleContent['runtime'] | undefined> {
  try {
    return JSON.parse(await readFile(join(path, runtimeFile), 'utf8')) as BundleContent['runtime'];
  } catch {
    return undefined;
  }
}

/** The pid of the bundle's shim, alive or not; undefined when none has served it. */
export async function bundleShimPid(path: string): Promise<number | undefined> {
  const pid = Number(await readFile(join(path, 'shim.pid'), 'utf8').catch(() => ''));
  return pid > 0 ? pid : undefined;
}

/** Makes a bundle with the given content; whatever a crashed creation left at its place is removed first. */
export async function createBundle(path: string, content: BundleContent): Promise<void> {
  makeNamespaceDirectory(dirname(path));
  if (!tryToMake(path)) {
    await removeBundle(path);
    mkdirSync(path, { mode: bundleMode });
  }
  // Small files in memory, or in the page cache: quicker written than handed to another thread.
  mkdirSync(join(path, 'rootfs'), { mode: bundleMode });
  const { binary, root, shim } = content.runtime;
  writeFileSync(join(path, runtimeFile), JSON.stringify({ binary, root, shim }), { mode: 0o600 });
  writeFileSync(join(path, 'config.json'), content.spec, { mode: 0o600 });
}

/** False where something is there already. */
function tryToMake(path: string): boolean {
  try {
    mkdirSync(path, { mode: bundleMode });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function makeNamespaceDirectory(path: string): void {
  makeDirectory(path, bundleMode);
  refuseLink(path);
}

/** A link in the place of a directory of ours could lead anywhere, and we are root. */
export function refuseLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
  throw new BerthError('failed-precondition', `${path} is a symbolic link: Berth did not make it`);
}

/** Finishes the removals that a kill of the daemon cut short. */
export async function removeDoomedBundles(stateDirectory: string, log: Log): Promise<void> {
  const tasks = join(stateDirectory, 'tasks');
  for (const namespace of await directoriesIn(tasks)) {
    for (const name of await directoriesIn(join(tasks, namespace))) {
      if (name.startsWith(doomedPrefix)) await tryToRemoveDoomed(join(tasks, namespace, name), log);
    }
  }
}

/** Unmounts all below the bundle and removes it. */
export async function removeBundle(path: string): Promise<void> {
  await removeDoomed(await doomBundle(path));
}

/**
 * Unmounts all below the bundle and gives it a name by which it cannot be taken for a whole one. The next start removes it where
 * nobody does before. Returns its path, be it there or not.
 */
export async function doomBundle(path: string): Promise<string> {
  if (unmountBelow(path) > 0 && isMountedBelow(path)) {
    throw new BerthError('failed-precondition', `${path} still has mounts below it: not removed`);
  }
  const doomed = join(dirname(path), `${doomedPrefix}${process.pid}-${basename(path)}`);
  try {
    await renameOver(path, doomed);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  return doomed;
}

/** Never rejects: the next start tries again. */
export async function tryToRemoveDoomed(path: string, log: Log): Promise<void> {
  try {
    await removeDoomed(path);
  } catch (error) {
    log.warn('a bundle could not be removed: left to the next start', { path, error });
  }
}

async function removeDoomed(path: string): Promise<void> {
  if (!tryToRemoveSmall(path)) await rm(path, { recursive: true, force: true });
}

/** As quickly as it was made, where it holds files and empty directories alone; false where something is left. */
function tryToRemoveSmall(path: string): boolean {
  try {
    // A link in its place would lead us to somebody else's files.
    if (!lstatSync(path).isDirectory()) return false;
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) rmdirSync(join(path, entry.name));
      else unlinkSync(join(path, entry.name));
    }
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** What the shim has logged. A foreign one writes to a FIFO, which is emptied into a file beside it. */
export async function readShimLog(path: string): Promise<string> {
  const log = join(path, 'log');
  const isFifo = await lstat(log).then(
    (status) => status.isFIFO(),
    () => false,
  );
  return await readFile(isFifo ? join(path, foreignLogFile) : log, 'utf8').catch(() => '');
}

/** Something may be left there of a removal that failed. */
async function renameOver(path: string, doomed: string): Promise<void> {
  try {
    await rename(path, doomed);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY')) throw error;
    await rm(doomed, { recursive: true, force: true });
    await rename(path, doomed);
  }
}

/** The end of the shim's log, for the message of a failure that happened before the shim could speak. */
export async function shimLogTail(path: string): Promise<string> {
  return (await readShimLog(path)).slice(-logTailBytes).trim();
}

export async function openShimLog(path: string) {
  return open(join(path, 'log'), 'a', 0o600);
}
