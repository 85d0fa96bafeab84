/** Cursor pagination: `after` is the `next` of the page before. */
export interface PageInput {
  /** 1 to 200. */
  limit: number;
  after?: string;
}

export interface Page<T> {
  items: T[];
  /** None after the last page. */
  next: string | undefined;
}
