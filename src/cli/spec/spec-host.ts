// Looks at the host for what a spec may need of it.
import { existsSync, readFileSync } from 'node:fs';
import { capabilitiesFromMask, readCapabilityMask } from './capabilities.js';
import type { SpecHost } from './build-spec.js';

export function readSpecHost(): SpecHost {
  return {
    networkFiles: ['/etc/hosts', '/etc/resolv.conf'].filter((file) => existsSync(file)),
    capabilities: capabilitiesFromMask(readCapabilityMask(readFileSync('/proc/self/status', 'utf8'), 'CapBnd')),
  };
}
