// For whom something is made: the client's namespace, and the lease, if any, that is to hold it.

export interface Scope {
  readonly namespace: string;
  /** Empty without a lease. */
  readonly lease: string;
}
