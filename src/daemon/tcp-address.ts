// HOST:PORT, where the host may be an IPv6 address in brackets.

export function splitTcpAddress(address: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  return { host: match?.[1] ?? match?.[2] ?? '', port };
}

export function isTcpAddress(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const { host, port } = splitTcpAddress(value);
  return host !== '' && port >= 1 && port <= 65_535;
}
