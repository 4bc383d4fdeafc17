// Docker's newer daemon, with its image store in Berth.
import { newerClient } from '../helpers/newer-clients.js';
import { testDocker } from './docker-runs.js';

testDocker({ program: newerClient('forky', 'sbin/dockerd'), isImageStore: true });
