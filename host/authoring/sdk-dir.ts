import { join } from 'node:path';

/** The guest SDK that belongs to this host and to the contract that it speaks. */
export const SDK_DIR = join(import.meta.dirname, '../../datasources/sdk');
