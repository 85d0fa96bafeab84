import { RequestError, type Problem } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { nearest } from '../domain/nearest.ts';

/** One value in the path or the query of a route's address. */
export interface Parameter<T> {
  description: string;
  required: boolean;
  /** JSON Schema of the value. */
  schema: JsonObject;
  example?: string;
  /** `undefined` stands for a parameter that was not given. Throws a `ParameterFault`. */
  parse(text: string | undefined): T;
}

/** The parameters of a route, each under its name. */
export type Parameters<T> = { readonly [K in keyof T]: Parameter<T[K]> };

/** A parameter that cannot be used; `parseParameters` makes a problem of it. */
class ParameterFault extends Error {
  override readonly name = 'ParameterFault';
  readonly remedy: string;

  constructor(reason: string, remedy: string) {
    super(reason);
    this.remedy = remedy;
  }
}

/** No id, name or cursor holds a control character. */
const ONE_LINE = '^[^\\u0000-\\u001f\\u007f]*$';

/** A text that must be there. */
export function requiredText(description: string, example: string, maxLength = 200): Parameter<string> {
  return {
    description,
    required: true,
    schema: { type: 'string', minLength: 1, maxLength, pattern: ONE_LINE },
    example,
    parse: (text) => toText(text ?? '', maxLength),
  };
}

/** A text, or `fallback` when it is not given. */
export function text<F extends string | undefined>(
  description: string,
  options: { fallback: F; maxLength: number; example?: string },
): Parameter<string | F> {
  const { fallback, maxLength, example } = options;
  return {
    description,
    required: false,
    schema: { type: 'string', minLength: 1, maxLength, pattern: ONE_LINE, ...(fallback === undefined ? {} : { default: fallback }) },
    ...(example === undefined ? {} : { example }),
    parse: (given) => (given === undefined ? fallback : toText(given, maxLength)),
  };
}

/** A whole number from `least` to `most`, or `fallback` when it is not given. */
export function integer(
  description: string,
  { least, most, fallback }: { least: number; most: number; fallback: number },
): Parameter<number> {
  return {
    description,
    required: false,
    schema: { type: 'integer', minimum: least, maximum: most, default: fallback },
    parse: (given) => {
      if (given === undefined) return fallback;
      const value = Number(given);
      if (/^\d{1,10}$/.test(given) && value >= least && value <= most) return value;
      throw new ParameterFault(`It is not a whole number from ${least} to ${most}.`, `Give a whole number from ${least} to ${most}.`);
    },
  };
}

/** `true` or `false`; false when it is not given. */
export function flag(description: string): Parameter<boolean> {
  return {
    description,
    required: false,
    schema: { type: 'boolean', default: false },
    parse: (given) => {
      if (given === undefined || given === 'false') return false;
      if (given === 'true') return true;
      throw new ParameterFault('It is neither true nor false.', 'Give true or false.');
    },
  };
}

/** One of some words, or undefined when it is not given. */
export function choice<T extends string>(description: string, words: readonly T[]): Parameter<T | undefined> {
  return {
    description,
    required: false,
    schema: { type: 'string', enum: [...words] },
    parse: (given) => {
      const found = words.find((word) => word === given);
      if (found !== undefined || given === undefined) return found;
      throw new ParameterFault('It is none of the words that it can be.', `Give one of: ${words.join(', ')}.`);
    },
  };
}

function toText(given: string, maxLength: number): string {
  if (!new RegExp(ONE_LINE).test(given)) throw new ParameterFault('It holds a control character.', 'Remove it.');
  if (given.length >= 1 && given.length <= maxLength) return given;
  throw new ParameterFault(`It must have 1 to ${maxLength} characters.`, 'Give a shorter one, or leave it out.');
}

/**
 * The values of all parameters. INVALID_REQUEST with a problem for each that is unknown, given twice
 * or cannot be used.
 */
export function parseParameters<T>(parameters: Parameters<T>, given: URLSearchParams): T {
  const names = Object.keys(parameters);
  const problems = [...new Set(given.keys())].flatMap((name) => nameProblem(name, names, given));
  const entries = Object.entries<Parameter<unknown>>(parameters).map(([name, parameter]) => {
    try {
      return [name, parameter.parse(given.get(name) ?? undefined)] as const;
    } catch (fault) {
      if (!(fault instanceof ParameterFault)) throw fault;
      problems.push({ path: name, reason: fault.message, remedy: fault.remedy });
      return [name, undefined] as const;
    }
  });
  if (problems.length > 0) throw invalidParameters(problems);
  // Each value came from the `parse` of its own name, which the type of `parameters` ties to T.
  return Object.fromEntries(entries) as T;
}

function nameProblem(name: string, known: readonly string[], given: URLSearchParams): Problem[] {
  if (known.includes(name)) {
    return given.getAll(name).length === 1 ? [] : [{ path: name, reason: 'It is given more than once.', remedy: 'Give it once.' }];
  }
  const candidate = nearest(name, known);
  if (candidate !== undefined)
    return [{ path: name, reason: 'There is no such parameter.', remedy: `Write "${candidate}", or remove it.` }];
  const remedy = known.length === 0 ? 'Remove it.' : `Remove it, or use one of: ${known.join(', ')}.`;
  return [{ path: name, reason: 'There is no such parameter.', remedy }];
}

function invalidParameters(problems: Problem[]): RequestError {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new RequestError('INVALID_REQUEST', `The parameter "${first?.path ?? ''}" cannot be used: ${first?.reason ?? ''}${more}`, {
    ...(first === undefined ? {} : { remedy: first.remedy }),
    problems,
  });
}
