import type { Actor } from '../../domain/caller.ts';
import type { Access, Principal } from '../../domain/document.ts';
import type { Person, PersonAccount } from '../../domain/person.ts';
import type { QuestionInsert, StoredQuestion } from '../../store/person-questions.ts';
import type { HeldPrincipal, UnmappedAccount } from '../../store/principals-of.ts';
import type { Page, PageInput } from '../page.ts';

/** Somebody as they are told to the host. What is left out is empty for a new person, and stays for a known one. */
export interface PersonInput {
  email: string;
  /** The address when left out. */
  name?: string;
  aliases?: string[];
  accounts?: PersonAccount[];
}

/** What came of an import. */
export interface PeopleImport {
  created: number;
  changed: number;
  unchanged: number;
}

export interface PeopleService {
  /** UNKNOWN_ORGANISATION, INVALID_REQUEST; CONFLICT when an address or an account is somebody else's; UNKNOWN_CONNECTION. */
  create(organisation: string, input: PersonInput, actor: Actor): Promise<Person>;
  /** By id or any address. UNKNOWN_ORGANISATION, UNKNOWN_PERSON. */
  get(organisation: string, person: string): Promise<Person>;
  /** By id. UNKNOWN_ORGANISATION. */
  list(organisation: string, page: PageInput): Promise<Page<Person>>;
  /** What is left out stays; lists are replaced as a whole. As `create`, and UNKNOWN_PERSON. */
  change(organisation: string, person: string, input: Partial<PersonInput>, actor: Actor): Promise<Person>;
  /** From then on nothing is found for them. UNKNOWN_ORGANISATION, UNKNOWN_PERSON. */
  remove(organisation: string, person: string, actor: Actor): Promise<void>;
  /** Creates whoever has an unknown address, changes the others. Stops at the first that is refused: those before it stay. As `create`. */
  import(organisation: string, people: readonly PersonInput[], actor: Actor): Promise<PeopleImport>;
  /** What a person is to the sources, groups of any depth included, as far as a source has named it. */
  principals(organisation: string, person: string): Promise<HeldPrincipal[]>;
  /** Accounts that documents or groups name and that are nobody's: who has them sees less than at the source. */
  unmapped(organisation: string, page: PageInput): Promise<Page<UnmappedAccount>>;
}

/** One principal on the way from somebody to a set: an account, then groups, each in the next. */
export interface PathStep extends Principal {
  /** What a group is called at the source. */
  name: string | undefined;
}

/** One any-of set of an access, and whether it is satisfied. */
export interface ExplainedSet {
  anyOf: Principal[];
  satisfied: boolean;
  /** The shortest way to a principal of the set, from what is held by itself; empty when there is none. */
  path: PathStep[];
}

/** Why somebody may or may not see a document. */
export interface AccessExplanation {
  document: string;
  connection: string;
  datasource: string;
  feature: string;
  access: Access['kind'];
  visible: boolean;
  /** In one sentence. */
  reason: string;
  sets: ExplainedSet[];
  confirmedAtMs: number | undefined;
  /** Whether that is too long ago to be believed: then only admins see it. */
  stale: boolean;
}

/** Whom it is explained for: a person by id or address, or a principal of the document's connection. */
export type Whom = { person: string } | { principal: Principal };

export interface AccessService {
  /** For those who see everything of an organisation. UNKNOWN_ORGANISATION, UNKNOWN_DOCUMENT, UNKNOWN_PERSON. */
  explain(organisation: string, document: string, whom: Whom): Promise<AccessExplanation>;
}

/** How fresh it is what a source said of who may see what. */
export interface ConnectionAccess {
  readAtMs: number | undefined;
  groupsAtMs: number | undefined;
  groups: number;
  /** How long it is believed. */
  maxAgeMs: number;
  /** Whether it is too old: documents whose access names groups are hidden from people, or all that there are. */
  stale: boolean;
}

export interface ConnectionAccessService {
  /** UNKNOWN_ORGANISATION, UNKNOWN_CONNECTION. */
  get(organisation: string, connection: string): Promise<ConnectionAccess>;
  /** In milliseconds; null: as the host is set. Takes effect with the next question. As `get`. */
  setMaxAge(organisation: string, connection: string, maxAgeMs: number | null, actor: Actor): Promise<ConnectionAccess>;
}

/** That a question was asked for a person. */
export type PersonQuestion = StoredQuestion;

/** What is to be put on record; the recorder gives id and time. */
export type QuestionEntry = Omit<QuestionInsert, 'id' | 'atMs'>;

/** The record of questions that callers asked for people. */
export interface QuestionRecord {
  /** At once in memory, in the store a moment later, with others that come meanwhile: it is no part of the answer's time. */
  record(entry: QuestionEntry): void;
  /** Newest first. UNKNOWN_ORGANISATION. A person whom nobody knows has none. */
  list(organisation: string, filter: { person?: string }, page: PageInput): Promise<Page<PersonQuestion>>;
  /** Writes what waits. */
  close(): Promise<void>;
}
