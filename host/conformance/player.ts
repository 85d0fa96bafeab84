import { isDeepStrictEqual } from 'node:util';
import type { Answer, GuestValue } from '../capabilities/capability.ts';
import { endOf, tapedForm, type Cassette, type TapedCall } from './cassette.ts';

/** The component, or the suite, did something else than when the cassette was recorded. */
export class Divergence extends Error {
  override readonly name = 'Divergence';
}

/** Plays one call of a cassette: gives each host call the answer of then, and says where it diverges. */
export class CallPlayer {
  readonly #taped: TapedCall;
  readonly #restore: Cassette['restore'];
  readonly #name: string;
  #at = 0;
  #divergence: Divergence | undefined;

  /** Throws Divergence when the cassette has no such call. */
  constructor(cassette: Cassette, scene: string, number: number, made: { function: string; args: readonly unknown[] }) {
    this.#name = `call ${number} of ${scene} (${made.function})`;
    const taped = cassette.calls.get(`${scene} ${number}`);
    if (taped === undefined) throw new Divergence(`The cassette has no ${this.#name}.`);
    if (taped.function !== made.function || !isDeepStrictEqual(taped.args, tapedForm(made.args)))
      throw new Divergence(`${this.#name} is made with other arguments than the cassette has; the call before it ended differently.`);
    this.#taped = taped;
    this.#restore = cassette.restore;
  }

  /** The answer of then; undefined for a function that has none. Throws Divergence. */
  next(name: string, func: string, args: readonly unknown[]): Answer | undefined {
    this.#at += 1;
    const taped = this.#taped.hostCalls[this.#at - 1];
    const asked = `${name}.${func} ${excerpt(tapedForm(args))}`;
    if (taped === undefined) throw this.#diverged(`asked ${asked}, and the cassette has no more`);
    if (taped.interface !== name || taped.function !== func || !isDeepStrictEqual(taped.args, tapedForm(args)))
      throw this.#diverged(`asked ${asked}, and the cassette has ${taped.interface}.${taped.function} ${excerpt(taped.args)}`);
    if (taped.answer === undefined) return undefined;
    const value = this.#restore(taped.answer.value) as GuestValue;
    return taped.answer.ok ? { ok: true, value } : { ok: false, error: value };
  }

  /** Throws Divergence unless the call ended as it did then. */
  end(kind: string, value: unknown): void {
    if (this.#divergence !== undefined) throw this.#divergence;
    const left = this.#taped.hostCalls[this.#at];
    if (left !== undefined) {
      this.#at += 1;
      throw this.#diverged(`was not made, and the cassette has ${left.interface}.${left.function} ${excerpt(left.args)}`);
    }
    if (this.#taped.end !== undefined && this.#taped.end !== endOf(kind, value))
      throw new Divergence(`${this.#name} asked the same and gave something else: ${kind} instead of ${this.#taped.end.split(' ')[0]}.`);
  }

  #diverged(how: string): Divergence {
    return (this.#divergence ??= new Divergence(`${this.#name} diverged at host call ${this.#at}: it ${how}.`));
  }
}

function excerpt(value: unknown): string {
  const text = JSON.stringify(value) ?? '';
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
