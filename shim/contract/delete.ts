// The action `delete`: containerd has lost the shim, and wants its container gone from the host and to know how it ended.
// The truth is in the exit journal where the shim came so far; else the container is killed here, which is 137.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { exitJournalName, parseExitJournal } from '../../src/domain/exit-journal.js';
import { checkId } from '../../src/domain/ids.js';
import { nowNanos } from '../../src/domain/time.js';
import { DeleteResponse } from '../../src/generated/containerd/task/v3/shim.js';
import { unmountBelow } from '../../src/linux/mount.js';
import { Runc } from '../../src/runc/runc.js';
import { spawnByNode } from '../../src/runc/spawn-program.js';
import type { ShimFlags } from '../flags.js';
import { timestampFromNanos } from '../wire.js';
import { socketPath } from './address.js';
import { endShim } from './end-shim.js';
import { deletedFileName } from './publish-calls.js';
import { loadTaskFacts } from './task-file.js';

const killedStatus = 137;

/** Resolves with a DeleteResponse as bytes. May be repeated, and finds nothing to do where the shim has done it. */
export async function deleteForContainerd({ namespace, id, address, bundle }: ShimFlags): Promise<Uint8Array> {
  checkId('namespace', namespace);
  checkId('container id', id);
  if (bundle !== '') process.chdir(bundle);
  const directory = process.cwd();
  const deleted = read(deletedFileName);
  if (deleted !== undefined) return deleted;
  await endShim(directory);
  const facts = loadTaskFacts();
  if (facts !== undefined) {
    const { binary, root, systemdCgroup } = facts;
    await new Runc({ binary, root, systemdCgroup, directory, spawn: spawnByNode() }).delete(id, true);
  }
  unmountBelow(join(directory, 'rootfs'));
  rmSync(socketPath({ address, namespace, id }), { force: true });
  const exit = parseExitJournal((read(exitJournalName) ?? Buffer.alloc(0)).toString()).find(
    ({ execId }) => execId === '',
  )?.exit;
  return DeleteResponse.encode({
    pid: exit?.pid ?? facts?.pid ?? 0,
    exitStatus: exit?.status ?? killedStatus,
    exitedAt: timestampFromNanos(exit?.exitedAt ?? nowNanos()),
  }).finish();
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
