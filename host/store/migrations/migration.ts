/** One step of the schema. Once released it never changes; a mistake is mended by a later step. */
export interface Migration {
  /** 1 for the first, then one more each. */
  version: number;
  name: string;
  sql: string;
  /** What is done besides for each organisation, whose tables are named by its id. */
  perOrganisation?: (organisation: string) => string;
}
