export interface Question {
  question: string;
  /** Part of the title of the document that answers it best. */
  expected: string;
}

/** Asked of the seeded repository; each has one document that plainly answers it. */
export const QUESTIONS: readonly Question[] = [
  { question: 'Why do guests run synchronously although they wait for the network?', expected: '0002-synchronous-guests.md' },
  {
    question: 'Where do I keep what I remember about many items when the checkpoint is too small?',
    expected: 'A checkpoint must not grow with the repository',
  },
  {
    question: 'What makes a batch and its checkpoint survive a host that is killed?',
    expected: 'Commit a batch and its checkpoint in one transaction',
  },
];
