import { describeHostile } from '../helpers/hostile.ts';
import { HOSTILE_PROCESSES } from './hostile/processes.ts';

describeHostile('a guest that owns its process', HOSTILE_PROCESSES);
