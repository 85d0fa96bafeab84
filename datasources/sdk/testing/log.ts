import type { Level } from 'lorelai:datasource/log@1.0.0';
import { currentStage } from './host.ts';

/** Stands in for `lorelai:datasource/log`. */
export function write(level: Level, message: string): void {
  currentStage().host.lines.push({ level, message });
}
