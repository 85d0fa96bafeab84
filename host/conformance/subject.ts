import { ulid } from 'ulid';
import type { Answer } from '../capabilities/capability.ts';
import type { Egress } from '../capabilities/egress.ts';
import type { EgressOutcome } from '../capabilities/egress-request.ts';
import { openPowers, type OpenPowers } from '../capabilities/registry.ts';
import { RequestRate } from '../capabilities/request-rate.ts';
import type { StorageWrite } from '../capabilities/storage.ts';
import type { Failure } from '../domain/document.ts';
import type { Grant } from '../domain/grant.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Limits } from '../domain/limits.ts';
import type { Manifest } from '../domain/manifest.ts';
import { type Breach, Meter } from '../domain/meter.ts';
import { toFailure } from '../indexing/validate.ts';
import type { Wire } from '../sandbox/frame.ts';
import type { SandboxPool } from '../sandbox/pool.ts';
import type { SourceFunction } from '../sandbox/protocol.ts';
import type { CallOutcome, HostPowers } from '../sandbox/sandbox-call.ts';
import { endOf, type Cassette, type CassetteWriter, type TapedHostCall } from './cassette.ts';
import { type FaultPlan, strikes, struck } from './faults.ts';
import { type KeptValues, noValues } from './kept-values.ts';
import { CallPlayer } from './player.ts';

/** The component that is tested, and what it is tested with. */
export interface SubjectOptions {
  pool: SandboxPool;
  manifest: Manifest;
  digest: string;
  /** Its compiled form. */
  folder: string;
  grant: Grant;
  limits: Limits;
  config: JsonObject;
  /** Every feature of the manifest, as the connection is set. */
  features: readonly { name: string; enabled: boolean; config: JsonObject }[];
  /** The way to its source. */
  source: Pick<Egress, 'send'>;
  /** What each call is told that the time is, milliseconds since 1970. */
  nowMs: number;
  recorder: CassetteWriter | undefined;
  /** Answers every host call; the source is then never asked. */
  cassette: Cassette | undefined;
  signal: AbortSignal;
}

/** One call of the component. */
export interface Asked {
  function: SourceFunction;
  /** Those behind the context. */
  args?: readonly Wire[];
  /** Nothing is kept when left out. */
  kept?: KeptValues;
  faults?: FaultPlan;
  config?: JsonObject;
  /** Later than the suite's own time by so much. */
  laterMs?: number;
  /** The call is cancelled in the middle of this host call, counted from 1. */
  cancelAt?: number;
}

/** One call that the guest made of the host. */
export interface HostCall {
  interface: string;
  function: string;
  args: readonly unknown[];
  /** None until it came, and for functions without. */
  answer: Answer | undefined;
}

/** What came of a call. */
export interface Told {
  function: SourceFunction;
  result:
    | { kind: 'value'; value: unknown }
    | { kind: 'failure'; failure: Failure }
    | { kind: 'broken'; reason: string }
    | { kind: 'cancelled' };
  hostCalls: readonly HostCall[];
  /** Among the host calls. */
  requests: number;
  /** To be committed with what it gave. */
  writes: readonly StorageWrite[];
  breaches: readonly Breach[];
}

/** Calls under one name: what a cassette finds them by. */
export interface Scene {
  call(asked: Asked): Promise<Told>;
}

export interface Subject {
  manifest: Manifest;
  scene(name: string): Scene;
  /** Every call so far. */
  told(): readonly Told[];
}

/** The same in every suite, so that what depends on it is the same too. */
const CONNECTION_ID = '01K0000000000000000000TEST';

export function createSubject(options: SubjectOptions): Subject {
  const all: Told[] = [];
  // In a process of its own: no suite is another's neighbour.
  const organisation = `conformance ${ulid()}`;
  return {
    manifest: options.manifest,
    told: () => all,
    scene(name) {
      let number = 0;
      return {
        async call(asked) {
          options.signal.throwIfAborted();
          number += 1;
          const told = await callOnce(options, asked, { scene: name, number, organisation });
          all.push(told);
          return told;
        },
      };
    },
  };
}

interface Place {
  scene: string;
  number: number;
}

/** The host could not do its part: no fault of the component. */
class HostFault extends Error {
  override readonly name = 'HostFault';
}

async function callOnce(
  options: SubjectOptions,
  asked: Asked,
  { scene, number, organisation }: Place & { organisation: string },
): Promise<Told> {
  const { pool, limits, digest, folder, cassette } = options;
  const args = [...(asked.function === 'describe' ? [] : [contextOf(options, asked)]), ...(asked.args ?? [])];
  const player = cassette === undefined ? undefined : new CallPlayer(cassette, scene, number, { function: asked.function, args });
  const meter = new Meter(limits);
  const cancel = new AbortController();
  const signal = AbortSignal.any([options.signal, cancel.signal]);
  const opened = open(options, asked, { meter, signal });
  const hostCalls: HostCall[] = [];
  const stop = (): void => cancel.abort();
  const powers = watched(opened, { hostCalls, player, cancelAt: asked.cancelAt, stop });
  const outcome = await pool.call(
    { organisation, digest, folder, limits, whose: { datasource: options.manifest.name, connection: undefined } },
    { function: asked.function, args, powers, meter, signal },
  );
  options.signal.throwIfAborted();
  if (outcome.kind === 'killed' && outcome.cause === 'host') throw new HostFault(outcome.reason, { cause: outcome.fault });
  const seen = asked.cancelAt === undefined ? hostCalls : hostCalls.slice(0, asked.cancelAt);
  const cancelled = asked.cancelAt !== undefined && hostCalls.length >= asked.cancelAt;
  player?.end(outcome.kind, cancelled ? undefined : valueOf(outcome));
  record(options, {
    scene,
    number,
    function: asked.function,
    args,
    hostCalls: seen,
    end: cancelled ? undefined : endOf(outcome.kind, valueOf(outcome)),
  });
  return {
    function: asked.function,
    result: cancelled ? { kind: 'cancelled' } : resultOf(outcome),
    hostCalls: seen,
    requests: seen.filter(isRequest).length,
    writes: outcome.kind === 'result' ? opened.storageWrites() : [],
    breaches: meter.spend().breaches,
  };
}

export function isRequest({ interface: name }: HostCall): boolean {
  return name === 'http-client';
}

function open(
  options: SubjectOptions,
  { kept = noValues(), config = options.config, faults }: Asked,
  call: { meter: Meter; signal: AbortSignal },
): OpenPowers {
  const { manifest, grant, source } = options;
  let requests = 0;
  const send = async (...given: Parameters<Egress['send']>): Promise<EgressOutcome> => {
    requests += 1;
    const request = requests;
    const outcome = await source.send(...given);
    return faults !== undefined && strikes(faults, request) ? struck(faults.fault, outcome) : outcome;
  };
  const scope = { connection: { id: CONNECTION_ID, config }, manifest, grant, ...call };
  // What a minute allows is the operator's to say, and no matter of the contract.
  return openPowers(scope, { egress: { send }, rate: new RequestRate(), stored: kept, writeLine: () => undefined });
}

interface Watch {
  hostCalls: HostCall[];
  player: CallPlayer | undefined;
  cancelAt: number | undefined;
  stop(): void;
}

/** Sees every host call and its answer, ends the call where it is to be cancelled, and plays a cassette. */
function watched(powers: OpenPowers, { hostCalls, player, cancelAt, stop }: Watch): HostPowers {
  return {
    handle(name, func, args) {
      const call: HostCall = { interface: name, function: func, args, answer: undefined };
      hostCalls.push(call);
      const answering = player === undefined ? powers.handle(name, func, args) : play(player, powers, call, stop);
      if (hostCalls.length === cancelAt) stop();
      return answering?.then((answer) => (call.answer = answer));
    },
  };
}

/** What is not a request happens all the same: what was written is committed with the batch. */
function play(
  player: CallPlayer,
  powers: OpenPowers,
  { interface: name, function: func, args }: HostCall,
  stop: () => void,
): Promise<Answer> | undefined {
  const answering = name === 'http-client' ? Promise.resolve() : powers.handle(name, func, [...args]);
  try {
    const answer = player.next(name, func, args);
    return answer === undefined ? answering?.then(never) : (answering ?? Promise.resolve()).then(() => answer);
  } catch {
    // The player keeps what it said, and gives it when the call has ended.
    stop();
    return answering?.then(never);
  }
}

/** The call has been ended; nothing waits for this. */
function never(): Promise<Answer> {
  return Promise.resolve({ ok: false, error: { tag: 'timed-out' } });
}

function record(
  { recorder }: SubjectOptions,
  call: Place & Pick<HostCall, 'function'> & { args: readonly unknown[]; hostCalls: readonly HostCall[]; end: string | undefined },
): void {
  if (recorder === undefined) return;
  const { scene, number, function: func, args, hostCalls, end } = call;
  recorder.write({
    scene,
    number,
    function: func,
    args: recorder.tape(args),
    hostCalls: hostCalls.map((hostCall) => tapeHostCall(recorder, hostCall)),
    ...(end === undefined ? {} : { end }),
  });
}

function tapeHostCall(recorder: CassetteWriter, { interface: name, function: func, args, answer }: HostCall): TapedHostCall {
  const call = { interface: name, function: func, args: recorder.tape(args) };
  if (answer === undefined) return call;
  return { ...call, answer: { ok: answer.ok, value: recorder.tape(answer.ok ? answer.value : answer.error) } };
}

/** As wit/types.wit has it. */
function contextOf({ nowMs, features, limits, ...options }: SubjectOptions, { config = options.config, laterMs = 0 }: Asked): Wire {
  return {
    connectionId: CONNECTION_ID,
    config: JSON.stringify(config),
    features: features.map(({ name, enabled, config: settings }) => ({ name, enabled, config: JSON.stringify(settings) })),
    nowMs: nowMs + laterMs,
    deadlineMs: nowMs + laterMs + limits.callTimeoutMs,
  };
}

function valueOf(outcome: CallOutcome): unknown {
  switch (outcome.kind) {
    case 'result':
      return outcome.value;
    case 'error':
      return outcome.error;
    default:
      return null;
  }
}

function resultOf(outcome: CallOutcome): Told['result'] {
  switch (outcome.kind) {
    case 'result':
      return { kind: 'value', value: outcome.value };
    case 'error':
      return { kind: 'failure', failure: toFailure(outcome.error) };
    case 'killed':
      return { kind: 'broken', reason: outcome.reason };
    default:
      return outcome satisfies never;
  }
}
