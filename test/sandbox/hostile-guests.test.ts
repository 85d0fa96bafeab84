import { describeHostile } from '../helpers/hostile.ts';
import { HOSTILE_C_GUESTS } from './hostile/c-guests.ts';
import { HOSTILE_GUESTS } from './hostile/guests.ts';

describeHostile('a guest', HOSTILE_GUESTS);
describeHostile('a guest in C', HOSTILE_C_GUESTS);
