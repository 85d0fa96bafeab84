import { describeHostile } from '../helpers/hostile.ts';
import { HOSTILE_FILES } from './hostile/files.ts';

describeHostile('a component file', HOSTILE_FILES);
