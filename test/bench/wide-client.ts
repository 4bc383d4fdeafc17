// A client for answers beyond gRPC's default of 4 MB, with containerd's own limit.
import { Client, credentials } from '@grpc/grpc-js';
import type { TestDaemon } from '../helpers/daemon.js';

const maxMessageBytes = 16 * 1024 * 1024;

export function wideClient(daemon: TestDaemon): Client {
  return new Client(`unix:${daemon.socket}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': maxMessageBytes,
  });
}
