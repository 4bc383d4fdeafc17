// The resource figures of many tasks at once: each shim is asked by itself, and one that does not answer is left out.
import { withDeadline } from '../base/deadline.js';
import { Slots } from '../base/slots.js';
import { isBerthError } from '../domain/errors.js';
import { type FieldLookup, parseFilters } from '../domain/filter.js';
import type { TaskRecord } from '../domain/records.js';
import { nowNanos } from '../domain/time.js';
import type { Metric } from '../generated/containerd/types/metrics.js';
import type { LiveTask } from './live-tasks.js';
import { callShim } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';
import { timestampFromNanos } from './wire-values.js';

/** A shim reads some forty files, which takes it a millisecond; containerd gives a shim as long for its state. */
const metricsTimeoutMs = 2000;
/** Shims asked at once by one call: enough that a few that hang hold nobody up. */
const maxAskedAtOnce = 64;

/** Of one namespace's tasks that any of the filters matches (fields: id, namespace), in the order of the list. */
export async function taskMetrics(
  supervisor: Supervisor,
  namespace: string,
  filters: readonly string[],
): Promise<Metric[]> {
  const matches = parseFilters(filters);
  const tasks = supervisor.tasks.list(namespace).filter(({ record }) => matches(fieldsOf(record)));
  const slots = new Slots(maxAskedAtOnce);
  const metrics = await Promise.all(tasks.map((task) => slots.run(() => metricOrNothing(supervisor, task))));
  return metrics.filter((metric) => metric !== undefined);
}

function fieldsOf({ id, namespace }: TaskRecord): FieldLookup {
  return ([field]) => {
    if (field === 'id') return id;
    return field === 'namespace' ? namespace : undefined;
  };
}

async function metricOrNothing(supervisor: Supervisor, task: LiveTask): Promise<Metric | undefined> {
  const { namespace, id } = task.record;
  try {
    return await metricOf(supervisor, task);
  } catch (error) {
    // Deleted meanwhile, or without a cgroup of its own: there is nothing to tell.
    if (isBerthError(error, 'not-found')) return undefined;
    supervisor.log.warn('a task has no metrics', { namespace, containerId: id, error });
    return undefined;
  }
}

async function metricOf(supervisor: Supervisor, task: LiveTask): Promise<Metric> {
  const { id } = task.record;
  if (task.reaching !== undefined)
    await withDeadline(task.reaching, metricsTimeoutMs, `reaching the shim of task ${id}`);
  const asked = nowNanos();
  const { stats } = await callShim(supervisor, task, metricsTimeoutMs, (api, options) => api.stats({ id }, options));
  return { timestamp: timestampFromNanos(asked), id, data: stats };
}
