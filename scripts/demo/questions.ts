export interface Question {
  question: string;
  /** Part of the title of the document that answers it best. */
  expected: string;
}

/** Asked of the seeded repository; each has one document that plainly answers it. */
export const QUESTIONS: readonly Question[] = [
  { question: 'Why do guests run synchronously although they wait for the network?', expected: '0002-synchronous-guests.md' },
  { question: 'Which setting lets the host listen beyond loopback without authentication?', expected: 'README.md' },
  { question: 'What happens to a run when its host is killed?', expected: '0004-runs-are-leases.md' },
];
