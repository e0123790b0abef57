export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Structured log: an event's name and its fields. Secrets are never passed in. */
export type Logger = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void;

const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** One JSON object a line; lower levels than `least` are dropped. */
export function createLogger(least: LogLevel, write: (line: string) => void): Logger {
  return (level, event, fields) => {
    if (order.indexOf(level) < order.indexOf(least)) return;
    write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`);
  };
}
