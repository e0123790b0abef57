// What a page would do.
import { createClient } from 'consilium/client';

export async function publish(url, secret, file) {
  const client = createClient(url);
  const wallet = await client.wallet(secret);
  const { task } = await wallet.publishTask(file);
  const { spec, status } = await client.call('task.get', { task });
  return { task, title: spec.title, status };
}

export const follow = (url) => createClient(url).follow('blocks');
