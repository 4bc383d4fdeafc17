// What `delete` must know of a task whose shim has died: which runtime holds it where, and its pid. Kept in the bundle.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

const fileName = 'task.json';

export interface TaskFacts {
  readonly binary: string;
  /** The runtime's --root. */
  readonly root: string;
  readonly systemdCgroup: boolean;
  /** 0 before the runtime has made it. */
  readonly pid: number;
}

/** The working directory is the bundle. */
export function saveTaskFacts(facts: TaskFacts): void {
  const temporary = `${fileName}.tmp`;
  writeFileSync(temporary, JSON.stringify(facts), { mode: 0o600 });
  renameSync(temporary, fileName);
}

/** Undefined where no task was ever begun. */
export function loadTaskFacts(): TaskFacts | undefined {
  try {
    return JSON.parse(readFileSync(fileName, 'utf8')) as TaskFacts;
  } catch {
    return undefined;
  }
}
