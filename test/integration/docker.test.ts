// Docker's own daemon, as this machine's packages have it.
import { testDocker } from './docker-runs.js';

testDocker({ program: 'dockerd', isImageStore: false });
