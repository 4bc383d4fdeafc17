// containerd.services.version.v1. Clients print it; none reads more into it.
import type { VersionService } from '../generated/containerd/services/version/v1/version.js';
import type { BuildInfo } from './build-info.js';
import type { Handlers } from './service.js';

export function versionHandlers(build: BuildInfo): Handlers<typeof VersionService> {
  return { version: async () => ({ version: build.version, revision: build.revision }) };
}
