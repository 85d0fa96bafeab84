/**
 * Runs on the other side of the boundary, once at the start of a host: says where it finds itself, so that the host
 * knows whether namespaces work on this machine.
 */
import { encodeFrame } from './frame.ts';

process.stdin.resume();
process.stdout.write(encodeFrame({ pid: process.pid }));
