// What is left of a container when its shim is gone: the runtime's state, deleted from here.
import { existsSync } from 'node:fs';
import type { TaskRecord } from '../domain/records.js';
import { Runc } from '../runc/runc.js';
import type { Supervisor } from './supervisor.js';

/** Idempotent; kills what may still run in the container. */
export async function deleteRuntimeState(
  { stateDirectory }: Supervisor,
  { id, bundle, runtime }: Pick<TaskRecord, 'id' | 'bundle' | 'runtime'>,
): Promise<void> {
  const directory = existsSync(bundle) ? bundle : stateDirectory;
  await new Runc({ ...runtime, directory, systemdCgroup: false }).delete(id, true);
}
