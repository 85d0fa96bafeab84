import { afterEach } from 'vitest';
import { describeHostile } from '../helpers/hostile.ts';
import { closePeers, HOSTILE_PEERS } from './hostile/peers.ts';

afterEach(closePeers);

describeHostile('a server that a datasource asks', HOSTILE_PEERS);
