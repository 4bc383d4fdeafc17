// A container without a task has no cgroup.
import { keyString } from '../../domain/ids.js';
import type { ContainerRecord } from '../../domain/records.js';
import { cgroupDirectories, removeCgroupDirectory } from '../../linux/cgroup-directories.js';
import type { Invariant } from './invariant.js';

export const cgroupsHaveTasks: Invariant = {
  name: 'cgroups-have-tasks',
  async *examine({ store, tasks, queue }) {
    for await (const container of store.containers.list()) {
      const left = await queue.run(keyString(container), async () => {
        return tasks.find(container) === undefined ? cgroupDirectories(cgroupsPathOf(container)) : [];
      });
      if (left.length === 0) yield undefined;
      for (const directory of left) {
        yield {
          object: directory,
          message: `the cgroup outlived the task of ${keyString(container)}`,
          remedy: 'berth check --repair removes it once it is empty',
          repair: () => removeCgroupDirectory(directory),
        };
      }
    }
  },
};

function cgroupsPathOf({ spec }: ContainerRecord): string {
  try {
    const parsed = JSON.parse(Buffer.from(spec?.value ?? []).toString('utf8')) as {
      readonly linux?: { readonly cgroupsPath?: string };
    };
    return parsed.linux?.cgroupsPath ?? '';
  } catch {
    return '';
  }
}
