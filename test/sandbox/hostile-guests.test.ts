import { describeHostile } from '../helpers/hostile.ts';
import { HOSTILE_GUESTS } from './hostile/guests.ts';

describeHostile('a guest', HOSTILE_GUESTS);
