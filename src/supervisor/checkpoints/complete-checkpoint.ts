// The last step of making a checkpoint: digests, then its own name.
import type { CheckpointPlan, CheckpointRecord } from '../../domain/checkpoint-record.js';
import { newPath, publishDirectory } from './checkpoint-directory.js';
import { digestImage } from './image-files.js';

/** The image is whole; returns what the catalogue is to say of it. */
export async function completeCheckpoint(root: string, plan: CheckpointPlan): Promise<CheckpointRecord> {
  const files = await digestImage(newPath(root, plan), { sync: true });
  const record = { ...plan, files, size: files.reduce((sum, { size }) => sum + size, 0n) };
  await publishDirectory(root, record);
  return record;
}
