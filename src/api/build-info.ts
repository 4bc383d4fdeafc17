// What is told of this build.

export interface BuildInfo {
  readonly version: string;
  /** The commit it was built from; empty when that is not known. */
  readonly revision: string;
}
