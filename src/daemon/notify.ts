// systemd's readiness protocol: one datagram to the socket that NOTIFY_SOCKET names.
import { execa } from 'execa';
import type { Log } from '../base/log.js';

const notifyTimeoutMs = 5000;

/** Does nothing without a socket. Node has no unix datagrams, so systemd's own tool speaks them. */
export async function notifySystemd(
  socket: string | undefined,
  state: 'READY=1' | 'STOPPING=1',
  log: Log,
): Promise<void> {
  if (socket === undefined || socket === '') return;
  try {
    await execa('systemd-notify', [state], { timeout: notifyTimeoutMs });
  } catch (error) {
    log.warn('systemd could not be told', { state, error });
  }
}
