// Every bound of the ttrpc wire, in one place. None of them is sent to the peer: ttrpc has no negotiation.

/** Payload of one frame; `messageLengthMax` of containerd/ttrpc's channel.go. */
export const maxFrameBytes = 4 * 1024 * 1024;

/** Calls at once on one connection, either side. Past it a call answers resource-exhausted. */
export const maxCallsPerConnection = 4096;

/** Keys and values of one request's metadata together. */
export const maxMetadataBytes = 64 * 1024;

/** Longer messages of a status are cut, so that a failure always fits a frame. */
export const maxStatusMessageChars = 16 * 1024;

/**
 * What one stream may hold unread before its connection is read no further, unless a call on that connection waits
 * for its answer (see ReadGate).
 */
export const softQueue = { frames: 1024, bytes: 1024 * 1024 } as const;

/** What one stream may hold unread in any case; one read of the socket may overshoot it. */
export const hardQueue = { frames: 8192, bytes: 8 * 1024 * 1024 } as const;

/** A full stream of which nothing is taken for so long fails; `streamFullTimeout` of containerd/ttrpc's stream.go. */
export const streamStallTimeoutMs = 5_000;

/** Answers a client has not read yet; past it the server reads no more of that client's requests. */
export const maxUnsentBytes = 16 * 1024 * 1024;

/** How long a closing server waits for handlers, and then for its last answers to leave. */
export const drainTimeoutMs = 5_000;
export const flushTimeoutMs = 1_000;
