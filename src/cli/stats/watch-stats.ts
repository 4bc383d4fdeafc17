// Asks for containers' figures once a second.
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '../../domain/errors.js';
import { TasksService } from '../../generated/containerd/services/tasks/v1/tasks.js';
import type { Connection } from '../connection.js';
import { findTask } from '../records.js';
import { statusName } from '../task-status.js';
import { type Figures, figuresFrom } from './figures.js';
import { type Sample, sampleFrom } from './sample.js';

const intervalMs = 1000;

/**
 * One list of samples a second, sorted by id; of all running containers where `ids` names none. Ends when none of those
 * named is left; throws where one of them has no figures from the start.
 */
export async function* watchStats(connection: Connection, ids: readonly string[]): AsyncGenerator<Sample[]> {
  let before = new Map<string, Figures>();
  for (let first = true; ; first = false) {
    const askedAt = performance.now();
    const figures = await askFigures(connection, ids);
    if (first) for (const id of ids) if (!figures.has(id)) await explainMissing(connection, id);
    if (ids.length > 0 && figures.size === 0) return;
    yield [...figures.values()].map((now) => sampleFrom(now, before.get(now.id)));
    before = figures;
    await sleep(Math.max(0, intervalMs - (performance.now() - askedAt)));
  }
}

async function askFigures(connection: Connection, ids: readonly string[]): Promise<Map<string, Figures>> {
  const filters = ids.map((id) => `id==${JSON.stringify(id)}`);
  const { metrics } = await connection.unary(TasksService.metrics, { filters });
  const figures = metrics.map(figuresFrom).filter((some) => some !== undefined);
  return new Map(figures.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map((some) => [some.id, some]));
}

async function explainMissing(connection: Connection, id: string): Promise<void> {
  const task = await findTask(connection, id);
  if (task === undefined) throw new BerthError('not-found', `container ${id} not found, or it has no task`);
  const status = statusName(task.status);
  throw new BerthError('failed-precondition', `container ${id} is ${status} and has no figures`);
}
