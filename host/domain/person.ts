/** An account of a person at the source of one connection. */
export interface PersonAccount {
  connection: string;
  /** The source's own id or login. */
  account: string;
}

/** Somebody of an organisation. Addresses are in lower case. */
export interface Person {
  /** A ULID. */
  id: string;
  organisation: string;
  /** Within the organisation an address, as this one or an alias, is one person's. */
  email: string;
  name: string;
  aliases: string[];
  accounts: PersonAccount[];
  createdAtMs: number;
  updatedAtMs: number;
}
