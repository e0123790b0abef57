/** From the least to the most urgent. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Structured log: an event's name and its fields. Secrets are never passed in. */
export type Logger = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void;

/** One JSON object a line; lower levels than `least` are dropped. */
export function createLogger(least: LogLevel, write: (line: string) => void): Logger {
  return (level, event, fields) => {
    if (logLevels.indexOf(level) < logLevels.indexOf(least)) return;
    write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`);
  };
}
