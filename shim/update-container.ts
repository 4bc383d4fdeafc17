// Update: the container's resources, which the runtime knows how to write to the cgroups and keeps in its state.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '../src/domain/errors.js';
import { parseJsonObject } from '../src/domain/oci-spec.js';
import type { UpdateTaskRequest } from '../src/generated/containerd/task/v3/shim.js';
import type { Container } from './container.js';

const resourcesFile = 'resources.json';

export async function updateContainer(container: Container, { resources }: UpdateTaskRequest): Promise<void> {
  const { init } = container;
  if (init.state === 'stopped' || init.pid === 0) {
    throw new BerthError('failed-precondition', `cannot update ${init.label}: ${init.state}`);
  }
  const value = resources?.value ?? new Uint8Array();
  parseJsonObject(`the resources for ${init.label}`, value);
  const path = join(container.parts.bundle, resourcesFile);
  writeFileSync(path, value, { mode: 0o600 });
  try {
    await container.parts.runc.update(container.id, resourcesFile);
  } finally {
    rmSync(path, { force: true });
  }
}
