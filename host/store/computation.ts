import type { Statement } from './statement.ts';

/** Reads for a computation, in the thread that has the database. */
export interface RowReader {
  /** As they came. */
  rows<Params, Row>(statement: Statement<Params, Row>, params: Params): unknown[];
  read<Params, Row>(statement: Statement<Params, Row>, params: Params): Row[];
}

/**
 * What a reading thread works out from what it reads, all of it of one moment of the database: many small reads and what is made of them cross
 * over to another thread once. Each is listed in `computations.ts`. A method, so that the list may hold them all: what arrives is what `Database.compute` was given.
 */
export interface Computation<Input> {
  readonly name: string;
  /** Rows as a statement gave them; undefined when there is no answer. */
  run(reader: RowReader, input: Input): unknown[] | undefined;
}
