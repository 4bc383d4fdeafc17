// The one name that shim and daemon share about a checkpoint's directory.

/** Inside the image's directory, while the runtime is writing to it; what is left under it belongs to a dead shim. */
export const stagingName = '.berth-partial';
