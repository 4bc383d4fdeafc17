// Labels that tell of a container what image it was made from.

/** The digest of the manifest: an image's name may come to mean another. */
export const manifestLabel = 'berth/image-manifest';
/** containerd's label for the signal that ends a container in order. */
export const stopSignalLabel = 'io.containerd.image.config.stop-signal';
