/**
 * What is put on the audit chain:
 * - `security`: lives of agents, decisions that deny, limits, traps, changes of policies, keys and rights
 * - `messages`: all that, and every message and invocation, with fuel and digests
 * - `all`: all that, every decision and every call of a host function
 */
export type AuditLevel = 'off' | 'security' | 'messages' | 'all';

export const auditLevels: readonly AuditLevel[] = ['off', 'security', 'messages', 'all'];

/** More than a host records of itself. */
export type RaisedLevel = 'messages' | 'all';
