// Masks of /proc/PID/status as names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capabilitiesFromMask, readCapabilityMask } from '../../../../src/cli/spec/capabilities.js';

test('a mask is read from the text of a status file', () => {
  const status = 'Name:\tx\nCapEff:\t0000000000000003\nCapBnd:\t000001ffffffffff\n';
  assert.equal(readCapabilityMask(status, 'CapEff'), 3n);
  assert.equal(readCapabilityMask(status, 'CapBnd'), 0x1ff_ffff_ffffn);
  assert.equal(readCapabilityMask('Name:\tx\n', 'CapEff'), 0n);
});

test('bits become names by their number', () => {
  assert.deepEqual(capabilitiesFromMask(3n), ['CAP_CHOWN', 'CAP_DAC_OVERRIDE']);
  assert.deepEqual(capabilitiesFromMask(1n << 21n), ['CAP_SYS_ADMIN']);
  assert.deepEqual(capabilitiesFromMask(1n << 40n), ['CAP_CHECKPOINT_RESTORE']);
  assert.equal(capabilitiesFromMask(0x1ff_ffff_ffffn).length, 41);
});
