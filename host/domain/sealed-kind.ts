/** What a sealed value is: one is never taken for another. */
export type SealedKind = 'credential' | 'tokens' | 'attempt' | 'variable' | 'webhook';
