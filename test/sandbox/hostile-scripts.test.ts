import { describeHostile } from '../helpers/hostile.ts';
import { HOSTILE_SCRIPTS } from './hostile/guests.ts';

describeHostile('a guest in JavaScript', HOSTILE_SCRIPTS);
