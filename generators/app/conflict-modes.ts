/** What to do where the owner and the generator changed the same lines. */
export const conflictModes = ['ask', 'mine', 'theirs', 'markers'] as const;
export type ConflictMode = (typeof conflictModes)[number];
