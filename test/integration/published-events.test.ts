// Any client may publish events, also such as are not what they say they are: nobody else may be the worse for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventsService as JournalService } from '../../src/generated/berth/v1/events.js';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { EventsService } from '../../src/generated/containerd/services/events/v1/events.js';
import { createContainer, removeContainer } from '../helpers/containers.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

/** No protobuf message at all. */
const garbage = Buffer.from([0xff, 0xff, 0xff, 0x07]);

test('an event that cannot be decoded breaks neither check nor explain nor a subscriber with a filter', async () => {
  for (const [topic, name] of [
    ['/tasks/start', 'TaskStart'],
    ['/tasks/exec-started', 'TaskExecStarted'],
    ['/tasks/exit', 'TaskExit'],
  ] as const) {
    const event = { typeUrl: `containerd.events.${name}`, value: garbage };
    await daemon().call(EventsService.publish, { topic, event });
  }
  await createContainer(daemon(), 'c1', ['/bin/true']);
  const { findings } = await daemon().call(MaintenanceService.check, { repair: false });
  assert.deepEqual(findings, []);
  const { entries } = await daemon().call(MaintenanceService.explain, { containerId: 'c1' });
  assert.notEqual(entries.length, 0);
  const filters = ['event.container_id==nobody'];
  const stream = daemon().stream(JournalService.subscribe, { after: 0n, since: undefined, filters, follow: false });
  assert.equal(await stream.ended, undefined);
  await removeContainer(daemon(), 'c1');
});
