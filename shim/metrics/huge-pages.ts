// Which sizes of huge pages a cgroup counts, by the names of its files.
import { readdirSync } from 'node:fs';
import { isSystemError } from '../../src/linux/libc.js';

/** Such as `2MB`, of every file `hugetlb.2MB.SUFFIX`; none without the controller. */
export function hugePageSizes(directory: string, suffix: string): string[] {
  return filesOf(directory).flatMap((name) => {
    const [controller, size, ...rest] = name.split('.');
    return controller === 'hugetlb' && size !== undefined && rest.join('.') === suffix ? [size] : [];
  });
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENODEV')) return [];
    throw error;
  }
}
