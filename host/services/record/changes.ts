import type { Change, ChainVerdict, RecordedChange } from '../../domain/change.ts';
import type { Expectation, LoggedThing } from '../../domain/expectation.ts';
import { hashOfChange, listChains, listChanges, readChain, recordChange, verifyChain } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import { changedMeanwhile, stateOf } from '../../store/expectations.ts';
import type { PageRequest, StoredPage } from '../../store/page.ts';

/** The log of who changed what. Services write to it by `recording` of `store/changes.ts`. */
export interface ChangeService {
  /** Puts on record what changes nothing in the store: what was refused, or happens elsewhere. Resolves when it is kept. */
  record(change: Change): Promise<void>;
  /** The state that a thing is in; see `Expectation`. Ask before the thing is read: what is read may be newer, and never older. */
  stateOf(thing: LoggedThing): Promise<number>;
  /** CHANGED_MEANWHILE when the thing is in another state than is expected, or has been brought to another by somebody else. */
  verifyExpected(expects: Expectation): Promise<void>;
  /** Newest first; `organisation` undefined: the log of the host. INVALID_REQUEST for a bad page. */
  list(organisation: string | undefined, page: PageRequest): Promise<StoredPage<RecordedChange>>;
  /** JSON lines, oldest first. */
  exportLines(organisation: string | undefined): AsyncIterable<string>;
  verify(organisation: string | undefined): Promise<ChainVerdict>;
  /** Whether an entry still has the hash that somebody noted down. */
  holds(organisation: string | undefined, head: { sequence: number; hash: string }): Promise<boolean>;
  /** Of every log that has an entry. */
  verifyAll(): Promise<ChainVerdict[]>;
}

export function createChanges(database: Database): ChangeService {
  return {
    record: (change) => recordChange(database, change),
    stateOf: (thing) => stateOf(database, thing),
    async verifyExpected(expects) {
      const { thing, state, made } = expects;
      if (thing === undefined || state === undefined || made !== undefined) return;
      if ((await stateOf(database, thing)) !== state) throw changedMeanwhile(expects);
    },
    list: (organisation, page) => listChanges(database, organisation, page),
    exportLines: (organisation) => exportLines(database, organisation),
    verify: (organisation) => verifyChain(database, organisation),
    holds: async (organisation, { sequence, hash }) => (await hashOfChange(database, organisation, sequence)) === hash,
    async verifyAll() {
      const verdicts: ChainVerdict[] = [];
      for (const organisation of await listChains(database)) verdicts.push(await verifyChain(database, organisation));
      return verdicts;
    },
  };
}

async function* exportLines(database: Database, organisation: string | undefined): AsyncGenerator<string> {
  for await (const piece of readChain(database, organisation)) {
    const lines = piece.map(({ sequence, entry, previous, hash }) => {
      const line = { organisation, sequence, entry, previous: toHex(previous), hash: toHex(hash) };
      return `${JSON.stringify(line)}\n`;
    });
    yield lines.join('');
  }
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
