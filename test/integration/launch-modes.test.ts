// What the other tests do with a zygote and a fresh Node below it, with one of them alone.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { Counter } from '../helpers/counter.js';
import { useBerthd } from '../helpers/use-berthd.js';

const SIGTERM = 15;

for (const mode of ['spawn', 'zygote']) {
  describe(`with --shim-launch ${mode}`, () => {
    const daemon = useBerthd({ args: ['--shim-launch', mode] });

    test('a container runs to its end', async () => {
      const { stdout, code, stderr } = await daemon().ctr([
        ...['run', '--rm', '--rootfs', daemon().rootfs, 'plain'],
        ...['/bin/sh', '-c', 'echo out; exit 3'],
      ]);
      assert.deepEqual([stdout, code], ['out\n', 3], stderr);
    });

    test('a container outlives its shim and the daemon, one after the other', async () => {
      const counter = await Counter.start(daemon(), 'lasting');
      const dead = counter.shimPid;
      process.kill(dead, 'SIGKILL');
      await counter.servedByAnother(dead);
      await counter.countsOn();
      await daemon().restart('SIGKILL');
      await counter.countsOn();
      const exec = await counter.exec('e1', '/bin/sh', '-c', 'echo in; exit 5');
      assert.deepEqual([exec.stdout, exec.code], ['in\n', 5], exec.stderr);
      await counter.kill(SIGTERM);
      assert.equal(await counter.wait(), 21);
      await counter.remove();
    });

    test('every shim is launched this way', async () => {
      const counter = await Counter.start(daemon(), 'counted');
      const { rungs } = await daemon().call(MaintenanceService.launches, {});
      assert.deepEqual(
        rungs.map(({ name, failed }) => ({ name, failed })),
        [{ name: mode, failed: 0n }],
      );
      assert.notEqual(rungs[0]?.launched, 0n);
      await counter.kill(SIGTERM);
      await counter.wait();
      await counter.remove();
    });
  });
}
