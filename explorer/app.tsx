import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { ask } from './ask.js';
import { short, whole } from './format.js';
import { useAsked, useHeight, useLive } from './live.js';
import { useRoute } from './route.js';
import { BlockView } from './views/block.js';
import { BlocksView } from './views/blocks.js';
import { DeviceView } from './views/device.js';
import { NetworkView } from './views/network.js';
import { ProofView } from './views/proof.js';
import { TaskView } from './views/task.js';
import { TasksView } from './views/tasks.js';

interface Place {
  readonly title: string;
  /** In the menu; null: reached from others. */
  readonly menu: string | null;
  /** Whose place of the menu is marked, if it has none of its own. */
  readonly under?: string;
  readonly View: ComponentType<{ readonly words: readonly string[] }>;
}

/** What the page shows, by the first word behind the #. A new view is one file and one line here. */
const places: Readonly<Record<string, Place>> = {
  '': { title: 'Network', menu: 'Network', View: NetworkView },
  blocks: { title: 'Blocks', menu: 'Blocks', View: BlocksView },
  block: { title: 'Block', menu: null, under: 'blocks', View: BlockView },
  tasks: { title: 'Tasks', menu: 'Tasks', View: TasksView },
  task: { title: 'Task', menu: null, under: 'tasks', View: TaskView },
  device: { title: 'Device', menu: 'Devices', View: DeviceView },
  proof: { title: 'Check a proof', menu: 'Check a proof', View: ProofView },
};

export function App() {
  const [word = '', ...words] = useRoute();
  const place = places[word];
  useEffect(() => {
    document.title = `${place?.title ?? 'Not here'} · Consilium`;
  }, [place]);
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('content')?.focus()}>
        Skip to content
      </button>
      <header>
        <strong class="brand">Consilium</strong>
        <nav aria-label="Views">
          {Object.entries(places).map(
            ([name, { menu }]) =>
              menu !== null && (
                <a
                  key={name}
                  href={`#/${name}`}
                  aria-current={name === word ? 'page' : name === place?.under ? 'true' : undefined}
                >
                  {menu}
                </a>
              ),
          )}
        </nav>
        <Standing />
      </header>
      <main id="content" tabIndex={-1}>
        {place === undefined ? (
          <p>There is no such view. The menu above has those that there are.</p>
        ) : (
          <place.View key={[word, ...words].join('/')} words={words} />
        )}
      </main>
    </>
  );
}

function Standing() {
  const height = useHeight();
  const { connected } = useLive();
  const { value } = useAsked('status', () => ask('node.status', {}));
  return (
    <p class="standing">
      {connected ? null : <span class="bad">no connection · </span>}
      <span title="height of the newest block">▣ {whole(height)}</span>
      {value === null ? null : (
        <span>
          {' '}
          · {value.name} · chain <code title={value.chainId}>{short(value.chainId)}</code>
        </span>
      )}
    </p>
  );
}
