// Takes events that clients publish, and gives them a number like Berth's own.
import { BerthError } from '../domain/errors.js';
import { checkId } from '../domain/ids.js';
import type { EventDraft } from '../domain/records.js';
import type { Supervisor } from './supervisor.js';

/** Bytes of one published event; far above any that containerd defines. */
const maxEventBytes = 1024 * 1024;

export async function publishEvent({ store }: Supervisor, draft: EventDraft): Promise<void> {
  checkId('namespace', draft.namespace);
  checkTopic(draft.topic);
  if (draft.event.value.length > maxEventBytes) {
    throw new BerthError('invalid-argument', `an event of ${draft.event.value.length} bytes exceeds ${maxEventBytes}`);
  }
  await store.commit([], [draft]);
}

/** containerd's rule: a path of identifiers that begins with a slash. */
function checkTopic(topic: string): void {
  if (!topic.startsWith('/') || topic === '/') {
    throw new BerthError('invalid-argument', `topic ${JSON.stringify(topic)} must start with "/" and name something`);
  }
  for (const part of topic.slice(1).split('/')) checkId(`a part of topic ${topic}`, part);
}
