import type { Reply } from '../message.js';
import type { Thread, ThreadEvents } from '../thread.js';

/** What is used of a browser's; the project is compiled without the types of one. */
interface WebWorker {
  onmessage: (event: { readonly data: Reply }) => void;
  onerror: (event: { readonly message?: string; preventDefault(): void }) => void;
  postMessage(message: unknown): void;
  terminate(): void;
}
declare const Worker: new (url: URL, options: { readonly type: 'module' }) => WebWorker;

/** ../thread.ts in a browser: a module worker, bundled with the page. Bundlers know this very form of words. */
export function startThread({ answered, lost }: ThreadEvents): Thread {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }) => answered(data);
  worker.onerror = (event) => {
    event.preventDefault();
    worker.terminate(); // it would live on
    lost(new Error(event.message ?? 'the worker’s script does not load'));
  };
  return {
    post: (request) => worker.postMessage(request),
    end: async () => worker.terminate(),
  };
}
